/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendmsg, recvmsg and their kin: a header with pointers to an address, to buffers and to control
 * messages. Descriptors and credentials in those are the stub's and need no translation.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/marshal.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"

enum { NR_SENDMSG = 46, NR_RECVMSG = 47, NR_RECVMMSG = 299, NR_SENDMMSG = 307 };

enum {
	MSG_OOB_ = 1,
	MSG_TRUNC_ = 0x20,
	MSG_DONTWAIT_ = 0x40,
	MSG_WAITFORONE_ = 0x10000,
	MSG_ZEROCOPY_ = 0x4000000,
};

#define NAME_MAX_    128u /* sizeof(struct sockaddr_storage): Linux looks at no more of an address */
#define CONTROL_MAX  (1u << 20) /* above home's net.core.optmem_max in any case */
#define CONTROL_BACK 65536u	/* no protocol answers with more */
#define VECTOR_MAX   1024u	/* UIO_MAXIOV */

/* struct msghdr, and of struct mmsghdr the rest. */
struct msghdr64 {
	uint64_t name;
	uint32_t namelen, pad1;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags, pad2;
};

#define MMSG_LEN  56u /* offset of msg_len */
#define MMSG_SIZE 64u

_Static_assert(sizeof(struct msghdr64) == MMSG_LEN, "struct msghdr of x86-64");

/* A buffer that the header points to at `field`. */
static long put_part(struct marshal *m, unsigned field, uint64_t addr, uint64_t len, unsigned flags)
{
	unsigned nbufs = m->call.nbufs;
	long err = marshal_user(m, WBUF_NO_ARG, addr, len, flags);

	if (!err && m->call.nbufs > nbufs)
		marshal_fixup(m, 0, field, nbufs);
	return err;
}

static long put_message(struct marshal *m, struct msghdr64 *h, bool out, bool truncate)
{
	uint64_t namelen = (int32_t)h->namelen < 0 ? 0 : h->namelen;
	unsigned nbufs, data = !out ? WBUF_IN : truncate ? WBUF_IN | WBUF_OUT : WBUF_OUT;
	bool merged = false;
	long err = 0;

	marshal_buf(m, 1, (uint64_t)h, sizeof(*h), WBUF_IN | WBUF_OUT)->kernel = true;
	/* Each part of what comes back may be written only in part: the rest is to stay. */
	if (h->name)
		err = put_part(m, offsetof(struct msghdr64, name), h->name,
			       namelen < NAME_MAX_ ? namelen : NAME_MAX_,
			       out ? WBUF_IN | WBUF_OUT : WBUF_IN);
	nbufs = m->call.nbufs;
	if (!err && h->iov)
		err = marshal_iovec(m, WBUF_NO_ARG, h->iov, h->iovlen, data, &merged);
	if (!err && m->call.nbufs > nbufs)
		marshal_fixup(m, 0, offsetof(struct msghdr64, iov), nbufs);
	if (merged)
		h->iovlen = 1;
	if (err || !h->control)
		return err;
	if (!out && h->controllen > CONTROL_MAX)
		return marshal_too_large(m, h->controllen);
	return put_part(m, offsetof(struct msghdr64, control), h->control,
			h->controllen < CONTROL_BACK || !out ? h->controllen : CONTROL_BACK,
			out ? WBUF_IN | WBUF_OUT : WBUF_IN);
}

/* What Linux writes into the program's header. 0 or -EFAULT. */
static int give_header(uint64_t msg, const struct msghdr64 *h)
{
	if (h->name && put_user32(msg + offsetof(struct msghdr64, namelen), h->namelen))
		return -EFAULT;
	if (put_user32(msg + offsetof(struct msghdr64, flags), h->flags))
		return -EFAULT;
	return put_user64(msg + offsetof(struct msghdr64, controllen), h->controllen);
}

/* struct cmsghdr; data follows, and the next one at a multiple of 8 bytes. */
struct control64 {
	uint64_t len;
	uint32_t level, type;
};

/* The descriptors that came with a message, in `len` bytes of control messages. */
static void look_at_descriptors(uint64_t control, uint64_t len)
{
	enum { SOL_SOCKET_ = 1, SCM_RIGHTS_ = 1 };
	struct control64 c;
	uint32_t fd;

	for (uint64_t at = 0; at + sizeof(c) <= len; at += (c.len + 7) & ~7ull) {
		if (copy_from_user(&c, control + at, sizeof(c)) || c.len < sizeof(c) ||
		    c.len > len - at)
			return;
		if (c.level != SOL_SOCKET_ || c.type != SCM_RIGHTS_)
			continue;
		for (uint64_t i = sizeof(c); i + sizeof(fd) <= c.len; i += sizeof(fd))
			if (!get_user32(&fd, control + at + i))
				look_for_signalfd(fd);
	}
}

/* One sendmsg or recvmsg. */
static long message(uint64_t nr, uint64_t fd, uint64_t msg, uint64_t flags)
{
	bool out = nr == NR_RECVMSG;
	uint64_t control = 0;
	struct msghdr64 h;
	struct marshal m;
	long ret;

	if (!out && (flags & MSG_ZEROCOPY_))
		return not_served(nr, "MSG_ZEROCOPY");
	memset(&m, 0, sizeof(m));
	m.call.nr = nr;
	m.call.args[0] = fd;
	m.call.args[1] = msg;
	m.call.args[2] = flags;
	if (copy_from_user(&h, msg, sizeof(h))) {
		ret = marshal_user(&m, 1, msg, sizeof(h), WBUF_IN);
	} else {
		control = h.control;
		ret = put_message(&m, &h, out, flags & MSG_TRUNC_);
	}
	if (current_user->retreating)
		ret = RETREATED;
	if (!ret) {
		ret = guest_call(&m.call);
		if (out && ret >= 0) {
			marshal_scatter(&m, ret);
			if (give_header(msg, &h))
				ret = -EFAULT;
			/* The pointers in the header are home's now. */
			if (control)
				look_at_descriptors(control, h.controllen);
		}
	}
	marshal_free(&m);
	return interrupted(ret);
}

long sys_sendmsg(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return message(NR_SENDMSG, args[0], args[1], args[2]);
}

long sys_recvmsg(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return message(NR_RECVMSG, args[0], args[1], args[2]);
}

/* --- several at once: as Linux does it, one after the other ----------------------------------- */

/*
 * The result when one of them did not succeed: what is done counts, and cannot be repeated. If the
 * process must go home for the next one, it does so after this call.
 */
static long several(unsigned done, long ret)
{
	if (!done)
		return ret;
	current_user->retreating = false;
	return done;
}

/*
 * One after the first. A move must not end the call early for a message that need not wait; for one that
 * must, it ends as if a signal had come.
 */
static long next_message(uint64_t nr, uint64_t fd, uint64_t msg, uint64_t flags)
{
	long ret;

	current_user->steady = true;
	ret = message(nr, fd, msg, flags | MSG_DONTWAIT_);
	current_user->steady = false;
	return ret == -EAGAIN && !(flags & MSG_DONTWAIT_) ? message(nr, fd, msg, flags) : ret;
}

long sys_sendmmsg(struct trapframe *tf, const uint64_t args[6])
{
	unsigned n = (uint32_t)args[2] < VECTOR_MAX ? (uint32_t)args[2] : VECTOR_MAX;

	(void)tf;
	if (!n)
		return forward(NR_SENDMMSG, args);
	for (unsigned i = 0; i < n; i++) {
		uint64_t msg = args[1] + (uint64_t)i * MMSG_SIZE;
		long ret = i ? next_message(NR_SENDMSG, args[0], msg, args[3])
			     : message(NR_SENDMSG, args[0], msg, args[3]);

		if (ret >= 0 && put_user32(msg + MMSG_LEN, ret))
			ret = -EFAULT;
		if (ret < 0)
			return several(i, ret);
	}
	return n;
}

struct timespec64 {
	int64_t sec, nsec;
};

/* The deadline of recvmmsg, looked at after each message only: recvmmsg(2), BUGS. */
static long read_deadline(uint64_t addr, uint64_t *deadline)
{
	struct timespec64 ts;

	*deadline = WAIT_FOREVER;
	if (!addr)
		return 0;
	if (copy_from_user(&ts, addr, sizeof(ts)))
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	if (ts.sec < INT32_MAX)
		*deadline = clock_now_ns() + ts.sec * NSEC_PER_SEC + ts.nsec;
	return 0;
}

static long give_time_left(uint64_t addr, uint64_t deadline)
{
	uint64_t now = clock_now_ns(), left = deadline > now ? deadline - now : 0;
	struct timespec64 ts = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };

	if (!addr || deadline == WAIT_FOREVER)
		return 0;
	return copy_to_user(addr, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_recvmmsg(struct trapframe *tf, const uint64_t args[6])
{
	unsigned n = (uint32_t)args[2] < VECTOR_MAX ? (uint32_t)args[2] : VECTOR_MAX, i;
	uint64_t flags = args[3] & ~(uint64_t)MSG_WAITFORONE_, deadline;
	long ret = read_deadline(args[4], &deadline), left;

	(void)tf;
	if (ret)
		return ret;
	if (!n)
		return forward(NR_RECVMMSG, args);
	for (i = 0; i < n; i++) {
		uint64_t msg = args[1] + (uint64_t)i * MMSG_SIZE;
		uint32_t got = 0;

		ret = i ? next_message(NR_RECVMSG, args[0], msg, flags)
			: message(NR_RECVMSG, args[0], msg, flags);
		if (ret >= 0 && put_user32(msg + MMSG_LEN, ret))
			ret = -EFAULT;
		if (ret < 0)
			break;
		if (args[3] & MSG_WAITFORONE_)
			flags |= MSG_DONTWAIT_;
		get_user32(&got, msg + offsetof(struct msghdr64, flags));
		if (clock_now_ns() >= deadline || (got & MSG_OOB_)) {
			i++;
			break;
		}
	}
	if (!i)
		return ret;
	left = give_time_left(args[4], deadline);
	return left ? left : several(i, ret);
}

/* --- recvfrom --------------------------------------------------------------------------------- */

/* TCP throws away what MSG_TRUNC asks for and leaves the buffer as it was. */
long sys_recvfrom(struct trapframe *tf, const uint64_t args[6])
{
	static const struct sys_desc untouched = {
		"recvfrom",
		SYS_SPLIT,
		{ { ARG_FD, 0, 0 },
		  { ARG_PART_LEN, 2, 0 },
		  { ARG_V, 0, 0 },
		  { ARG_V, 0, 0 },
		  { ARG_OUT_LENP, 5, 0 },
		  { ARG_LENP, 0, 4 } },
	};

	if (args[3] & MSG_TRUNC_)
		return forward_as(&untouched, tf->error, args);
	return forward(tf->error, args);
}

/* --- sends that use the program's pages ------------------------------------------------------- */

long sys_sendto(struct trapframe *tf, const uint64_t args[6])
{
	if (args[3] & MSG_ZEROCOPY_)
		return not_served(tf->error, "MSG_ZEROCOPY");
	return forward(tf->error, args);
}
