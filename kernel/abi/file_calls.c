/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms of file and socket calls that the node must look at before they go home. */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"

enum { NR_READ = 0, NR_FSTAT = 5, NR_PREAD64 = 17, NR_FTRUNCATE = 77 };

/* struct stat of <asm/stat.h>, as far as it matters here. */
struct stat64 {
	uint64_t dev, ino, nlink;
	uint32_t mode;
	uint8_t rest[144 - 28];
};

#define S_IFMT_	 0170000
#define S_IFREG_ 0100000

static long stat_descriptor(uint64_t fd, struct stat64 *st)
{
	struct fcall call = {
		.nr = NR_FSTAT,
		.args = { fd },
		.nbufs = 1,
		.buf[0] = { (uint64_t)st, sizeof(*st), 1, WBUF_OUT, true },
	};

	return guest_call(&call);
}

/* --- large transfers -------------------------------------------------------------------------- */

#define RW_MAX 0x7ffff000ull /* Linux transfers no more in one call */

/*
 * More than one message may carry goes in pieces. Only for regular files, where nobody can tell: a
 * pipe or a socket would end, or wait, elsewhere.
 */
static long in_pieces(uint64_t nr, const uint64_t args[6], bool positioned)
{
	uint64_t piece[6] = { args[0], args[1], args[2], args[3] }, done = 0;
	uint64_t total = args[2] < RW_MAX ? args[2] : RW_MAX;
	struct stat64 st;
	long ret = stat_descriptor(args[0], &st);

	if (ret || (st.mode & S_IFMT_) != S_IFREG_ || !user_range_ok(args[1], args[2]))
		return forward(nr, args);
	/* Once it has begun it cannot begin anew at home: have all pages first. */
	if (nr == NR_READ || nr == NR_PREAD64)
		user_writable_prefix(args[1], total);
	else
		user_readable_prefix(args[1], total);
	if (current_user->retreating)
		return RETREATED;
	while (done < total) {
		piece[1] = args[1] + done;
		piece[2] = total - done < WIRE_CALL_MAX ? total - done : WIRE_CALL_MAX;
		if (positioned)
			piece[3] = args[3] + done;
		/* Linux lets no signal cut such a transfer short, and what is done cannot be repeated. */
		current_user->steady = done > 0;
		ret = forward(nr, piece);
		current_user->steady = false;
		if (ret < 0)
			return done ? (long)done : ret;
		done += ret;
		if ((uint64_t)ret < piece[2])
			break;
	}
	return done;
}

long sys_read(struct trapframe *tf, const uint64_t args[6])
{
	return args[2] > WIRE_CALL_MAX ? in_pieces(tf->error, args, false)
				       : forward(tf->error, args);
}

long sys_write(struct trapframe *tf, const uint64_t args[6])
{
	return sys_read(tf, args);
}

long sys_pread64(struct trapframe *tf, const uint64_t args[6])
{
	return args[2] > WIRE_CALL_MAX ? in_pieces(tf->error, args, true)
				       : forward(tf->error, args);
}

long sys_pwrite64(struct trapframe *tf, const uint64_t args[6])
{
	return sys_pread64(tf, args);
}

/* --- files that shrink under a mapping -------------------------------------------------------- */

static bool maps_file(struct mm *mm, const struct stat64 *st)
{
	bool found = false;

	mutex_lock(&mm->lock);
	vma_for_each(vma, &mm->vmas)
	{
		const struct wire_file *id = vma->file ? cfile_identity(vma->file) : NULL;

		if (id && id->dev == st->dev && id->ino == st->ino)
			found = true;
	}
	mutex_unlock(&mm->lock);
	return found;
}

/*
 * When a file that the process has mapped becomes shorter, its pages behind the end raise SIGBUS,
 * which the copies here do not know.
 */
long sys_ftruncate(struct trapframe *tf, const uint64_t args[6])
{
	struct stat64 st;
	long err = stat_descriptor(args[0], &st);

	(void)tf;
	if (restart_code(err))
		return err;
	if (!err && maps_file(current->mm, &st))
		return not_served(NR_FTRUNCATE, "of a file that it has mapped");
	return forward(NR_FTRUNCATE, args);
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* Socket options are flat but for these, which hold pointers to programs, tables or memory. */
static long sockopt(struct trapframe *tf, const uint64_t args[6])
{
	enum { SOL_IP_ = 0, SOL_SOCKET_ = 1, SOL_TCP_ = 6, SOL_IPV6_ = 41 };
	int level = (int)args[1], name = (int)args[2];
	bool nested = false;

	switch (level) {
	case SOL_SOCKET_:
		nested = name == 26 || name == 51; /* SO_ATTACH_FILTER, SO_ATTACH_REUSEPORT_CBPF */
		break;
	case SOL_IP_:
	case SOL_IPV6_:
		nested = name >= 64 && name < 96; /* netfilter's tables */
		break;
	case SOL_TCP_:
		nested = name == 35; /* TCP_ZEROCOPY_RECEIVE */
		break;
	default:
		break;
	}
	if (nested)
		return retreat(WHY_SYSCALL, "socket option %d of level %d", name, level);
	return forward(tf->error, args);
}

long sys_setsockopt(struct trapframe *tf, const uint64_t args[6])
{
	return sockopt(tf, args);
}

long sys_getsockopt(struct trapframe *tf, const uint64_t args[6])
{
	return sockopt(tf, args);
}
