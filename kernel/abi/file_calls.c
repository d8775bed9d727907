/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms of file and socket calls that the node must look at before they go home. */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/marshal.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"

enum {
	NR_READ = 0, NR_WRITE = 1, NR_FSTAT = 5, NR_IOCTL = 16, NR_PREAD64 = 17, NR_PWRITE64 = 18,
	NR_FTRUNCATE = 77,
};

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

#define RW_MAX	     0x7ffff000ull /* Linux transfers no more in one call */
#define VECTOR_MAX   1024u	    /* UIO_MAXIOV */
#define VECTOR_BYTES (4u << 20)	    /* what a vector's buffers are gathered in: the kernel's largest block */
#define VECTOR_STEP  16u

/*
 * More than one message may carry goes in pieces. Only for regular files, where nobody can tell: a
 * pipe or a socket would end, or wait, elsewhere.
 */
static long in_pieces(uint64_t nr, const uint64_t args[6], bool positioned)
{
	uint64_t piece[6] = { args[0], args[1], args[2], args[3] }, done = 0;
	uint64_t total = args[2] < RW_MAX ? args[2] : RW_MAX;
	bool steady = current_user->steady;
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
		current_user->steady = steady || done > 0;
		ret = forward(nr, piece);
		current_user->steady = steady;
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

/* A vector too large for one message: buffer by buffer. */
static long vector_in_pieces(uint64_t nr, uint64_t fd, uint64_t vec, unsigned n, uint64_t pos,
			     bool positioned)
{
	struct iovec64 iov[VECTOR_STEP];
	long done = 0, ret;

	for (unsigned i = 0; i < n; i++) {
		uint64_t piece[6] = { fd, 0, 0, pos + done };

		if (i % VECTOR_STEP == 0 &&
		    copy_from_user(iov, vec + i * sizeof(iov[0]),
				   (n - i < VECTOR_STEP ? n - i : VECTOR_STEP) * sizeof(iov[0])))
			return done ? done : -EFAULT;
		piece[1] = iov[i % VECTOR_STEP].base;
		piece[2] = iov[i % VECTOR_STEP].len;
		current_user->steady = done > 0;
		ret = in_pieces(nr, piece, positioned);
		current_user->steady = false;
		if (ret < 0 && done) {
			/* What is done cannot begin anew at home: it goes there after this call. */
			current_user->retreating = false;
			return done;
		}
		if (ret < 0)
			return ret;
		done += ret;
		if ((uint64_t)ret < piece[2])
			break;
	}
	return done;
}

/* All bytes of a vector that Linux would accept; 0 for others. */
static uint64_t vector_bytes(uint64_t vec, uint64_t n)
{
	struct iovec64 iov;
	uint64_t total = 0;

	for (uint64_t i = 0; i < n && n <= VECTOR_MAX; i++) {
		if (copy_from_user(&iov, vec + i * sizeof(iov), sizeof(iov)) ||
		    !user_range_ok(iov.base, iov.len))
			return 0;
		total += iov.len;
	}
	return total <= RW_MAX ? total : 0;
}

static long vector(uint64_t nr, uint64_t plain, const uint64_t args[6], bool positioned)
{
	struct stat64 st;

	if (vector_bytes(args[1], args[2]) <= VECTOR_BYTES ||
	    stat_descriptor(args[0], &st) || (st.mode & S_IFMT_) != S_IFREG_)
		return forward(nr, args);
	return vector_in_pieces(plain, args[0], args[1], args[2], args[3], positioned);
}

long sys_readv(struct trapframe *tf, const uint64_t args[6])
{
	return vector(tf->error, NR_READ, args, false);
}

long sys_writev(struct trapframe *tf, const uint64_t args[6])
{
	return vector(tf->error, NR_WRITE, args, false);
}

long sys_preadv(struct trapframe *tf, const uint64_t args[6])
{
	return vector(tf->error, NR_PREAD64, args, true);
}

long sys_pwritev(struct trapframe *tf, const uint64_t args[6])
{
	return vector(tf->error, NR_PWRITE64, args, true);
}

/* --- files that shrink under a mapping -------------------------------------------------------- */

static bool maps_file(struct mm *mm, const struct stat64 *st)
{
	bool found = false;

	mutex_lock(&mm->lock);
	vma_for_each(vma, &mm->vmas)
	{
		const struct wire_file *id = NULL;

		/* Shared memory knows: see guest_on_stale(). */
		if (vma->file && !cfile_live(vma->file))
			id = cfile_identity(vma->file);

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
		/* SO_ATTACH_FILTER (the same as SO_GET_FILTER), SO_ATTACH_REUSEPORT_CBPF, SO_ZEROCOPY */
		nested = name == 26 || name == 51 || name == 60;
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

/* --- ioctl ------------------------------------------------------------------------------------ */

/* struct ifconf: a length and a pointer to so many bytes; netdevice(7). */
static long interface_list(const uint64_t args[6])
{
	struct {
		int32_t len, pad;
		uint64_t buf;
	} conf;
	struct marshal m;
	long ret = 0;

	memset(&m, 0, sizeof(m));
	m.call.nr = NR_IOCTL;
	memcpy(m.call.args, args, sizeof(m.call.args));
	if (copy_from_user(&conf, args[2], sizeof(conf))) {
		ret = marshal_user(&m, 2, args[2], sizeof(conf), WBUF_IN);
	} else {
		marshal_buf(&m, 2, (uint64_t)&conf, sizeof(conf), WBUF_IN | WBUF_OUT)->kernel = true;
		if (conf.buf && conf.len >= 0)
			ret = marshal_user(&m, WBUF_NO_ARG, conf.buf, conf.len, WBUF_IN | WBUF_OUT);
		if (m.call.nbufs > 1)
			marshal_fixup(&m, 0, 8, 1);
	}
	if (current_user->retreating)
		return RETREATED;
	if (!ret)
		ret = guest_call(&m.call);
	return !ret && put_user32(args[2], conf.len) ? -EFAULT : ret;
}

long sys_ioctl(struct trapframe *tf, const uint64_t args[6])
{
	enum { SIOCGIFCONF_ = 0x8912 };

	(void)tf;
	if ((uint32_t)args[1] == SIOCGIFCONF_)
		return interface_list(args);
	return forward(NR_IOCTL, args);
}
