/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying a call home, argument by argument, as its row in proto/syscalls.def describes.
 *
 * Linux looks at a pointer only when it needs to, after other checks. So a bad pointer is no error
 * here: the part of the memory that is accessible goes home, and home puts it right before an
 * unmapped page (WBUF_BAD), where the real kernel finds out in its own order.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/marshal.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"


#define PATH_BYTES	  4096 /* PATH_MAX: Linux copies no more of any string */
#define FDSET_BYTES_MAX	  (1u << 17)
#define SOCKOPT_BYTES_MAX (1u << 20)

/* The largest block of the kernel's heap: what passes through a copy cannot be larger. */
#define COPY_MAX (4u << 20)

long marshal_too_large(const struct marshal *m, uint64_t len)
{
	char text[64];

	snprintf(text, sizeof(text), "a buffer of %llu bytes", (unsigned long long)len);
	return not_served(m->call.nr, text);
}

struct fbuf *marshal_buf(struct marshal *m, unsigned arg, uint64_t addr, uint64_t len,
			 unsigned flags)
{
	struct fbuf *b = &m->call.buf[m->call.nbufs++];

	*b = (struct fbuf){ .addr = addr, .len = len, .arg = arg, .flags = flags };
	m->bytes += len;
	return b;
}

void *marshal_alloc(struct marshal *m, size_t len)
{
	void *p = len <= COPY_MAX ? kzalloc(len ? len : 1) : NULL;

	if (p)
		m->owned[m->nowned++] = p;
	return p;
}

void marshal_fixup(struct marshal *m, unsigned buf, uint32_t offset, unsigned target)
{
	m->fixup[m->call.nfixups++] =
		(struct wire_fixup){ .buf = buf, .target = target, .offset = offset };
	m->call.fixups = m->fixup;
}

void marshal_free(struct marshal *m)
{
	for (unsigned i = 0; i < m->nowned; i++)
		kfree(m->owned[i]);
}

long marshal_user(struct marshal *m, unsigned arg, uint64_t addr, uint64_t len, unsigned flags)
{
	uint64_t have;

	/*
	 * Outside of user memory: the same at home, where some calls see that before anything else.
	 */
	if (addr >= USER_END)
		return 0;
	/* With more than there is behind the address the call fails, and home says how. */
	if (len > WIRE_CALL_MAX &&
	    mm_range_reach(current->mm, addr & PAGE_MASK, len) > WIRE_CALL_MAX)
		return marshal_too_large(m, len);
	have = flags & WBUF_OUT ? user_writable_prefix(addr, len) : user_readable_prefix(addr, len);
	if (have < len)
		flags |= WBUF_BAD;
	marshal_buf(m, arg, addr, have, flags);
	return 0;
}

static long put_user_buf(struct marshal *m, unsigned arg, uint64_t len, unsigned flags)
{
	return marshal_user(m, arg, m->call.args[arg], len, flags);
}

/*
 * Memory that the call reads first: whether that works is judged by reading. That it cannot be
 * written shows when the result comes back, as it does to Linux.
 */
static long put_inout(struct marshal *m, unsigned arg, uint64_t len, unsigned flags)
{
	if (len <= WIRE_CALL_MAX && user_writable_prefix(m->call.args[arg], len) < len) {
		long err = put_user_buf(m, arg, len, WBUF_IN);

		if (!err && m->call.nbufs && m->call.buf[m->call.nbufs - 1].arg == arg)
			m->call.buf[m->call.nbufs - 1].flags |= WBUF_OUT | flags;
		return err;
	}
	return put_user_buf(m, arg, len, WBUF_IN | WBUF_OUT | flags);
}

static long put_string(struct marshal *m, unsigned arg)
{
	uint64_t addr = m->call.args[arg];
	char *s = m->name;
	long n;

	if (m->name_used) {
		n = sizeof(m->name);
	} else {
		n = strncpy_from_user(s, addr, sizeof(m->name));
		m->name_used = true;
	}
	if (n == sizeof(m->name)) {
		s = marshal_alloc(m, PATH_BYTES);
		if (!s)
			return retreat(WHY_MEMORY, "no memory for a path");
		n = strncpy_from_user(s, addr, PATH_BYTES);
	}
	if (n == -EFAULT)
		return put_user_buf(m, arg, PATH_BYTES, WBUF_IN);
	/* Without a NUL in PATH_MAX bytes, home looks no further either. */
	marshal_buf(m, arg, (uint64_t)s, n < PATH_BYTES ? n + 1 : n, WBUF_IN)->kernel = true;
	return 0;
}

/* Only `return value` times size bytes are written: what lies behind must stay as it is. */
static long put_counted(struct marshal *m, unsigned arg, uint64_t len, unsigned size)
{
	uint64_t addr = m->call.args[arg], have;
	void *copy;

	if (addr >= USER_END)
		return 0;
	if (len > COPY_MAX)
		return marshal_too_large(m, len);
	have = user_writable_prefix(addr, len);
	copy = marshal_alloc(m, have);
	if (!copy)
		return retreat(WHY_MEMORY, "no memory for a buffer");
	marshal_buf(m, arg, (uint64_t)copy, have, WBUF_OUT | (have < len ? WBUF_BAD : 0))->kernel =
		true;
	m->back_to = addr;
	m->back_from = copy;
	m->back_max = have;
	m->back_size = size;
	return 0;
}

static uint64_t length_behind(uint64_t ptr)
{
	uint32_t len;

	if (!ptr || get_user32(&len, ptr) || (int32_t)len < 0)
		return 0;
	return len < SOCKOPT_BYTES_MAX ? len : SOCKOPT_BYTES_MAX;
}

/* Linux refuses structs above a page. */
static uint64_t length_inside(uint64_t ptr)
{
	uint32_t len;

	if (get_user32(&len, ptr))
		return 0;
	return len < PAGE_SIZE ? len : PAGE_SIZE;
}

static uint64_t fdset_bytes(uint64_t n, unsigned word)
{
	uint64_t bits = (int32_t)n <= 0 ? 0 : n & INT32_MAX;
	uint64_t bytes = (bits + 8 * word - 1) / (8 * word) * word;

	return bytes < FDSET_BYTES_MAX ? bytes : FDSET_BYTES_MAX;
}

static long put_mask_pointer(struct marshal *m, unsigned arg)
{
	uint64_t pair[2];

	if (get_user_long(&pair[0], m->call.args[arg]) ||
	    get_user_long(&pair[1], m->call.args[arg] + user_long_size()))
		return -EFAULT;
	m->call.args[arg] = 0;
	if (!pair[0])
		return 0;
	m->masked = true;
	return mask_begin(pair[0], pair[1]);
}

static long put_iovec(struct marshal *m, unsigned arg, unsigned flags)
{
	bool merged = false;
	long err = marshal_iovec(m, arg, m->call.args[arg], m->call.args[arg + 1], flags, &merged);

	if (merged)
		m->call.args[arg + 1] = 1;
	return err;
}

/* One argument that is a pointer and not NULL. 0, -errno or RETREATED. */
static long put_pointer(struct marshal *m, unsigned arg, const struct sys_arg *a)
{
	uint64_t count = m->call.args[a->ref], size = a->size;
	uint64_t product;

	if (__builtin_mul_overflow(count, size, &product))
		product = UINT64_MAX;
	switch (a->kind) {
	case ARG_STR:
		return put_string(m, arg);
	case ARG_IN:
		return put_user_buf(m, arg, size, WBUF_IN);
	case ARG_IN_LEN:
		return put_user_buf(m, arg, count > UINT64_MAX - size ? count : count + size,
				    WBUF_IN);
	case ARG_IN_MUL:
		return put_user_buf(m, arg, product, WBUF_IN);
	case ARG_OUT:
		return put_user_buf(m, arg, size, WBUF_OUT);
	case ARG_OUT_RET:
		return put_user_buf(m, arg, count, WBUF_OUT | WBUF_RET);
	case ARG_OUT_RETMUL:
		return put_counted(m, arg, (int32_t)count < 0 ? 0 : product, size);
	case ARG_PART:
		return put_user_buf(m, arg, size, WBUF_IN | WBUF_OUT | (a->ref ? WBUF_ALWAYS : 0));
	case ARG_PART_LEN:
		return put_user_buf(m, arg, count > UINT64_MAX - size ? count : count + size,
				    WBUF_IN | WBUF_OUT);
	case ARG_SELF:
		return put_user_buf(m, arg, length_inside(m->call.args[arg]) + size,
				    a->ref ? WBUF_IN | WBUF_OUT | WBUF_ALWAYS : WBUF_IN);
	case ARG_INOUT:
	case ARG_LENP:
		return put_inout(m, arg, size, 0);
	case ARG_INOUT_MUL:
		return put_inout(m, arg, product, WBUF_ALWAYS);
	case ARG_TIMEOUT:
		/*
		 * Linux writes the time left back where it can and does not mind where it cannot.
		 */
		if (user_writable_prefix(m->call.args[arg], size) < size)
			return put_user_buf(m, arg, size, WBUF_IN);
		return put_user_buf(m, arg, size, WBUF_IN | WBUF_OUT | WBUF_ALWAYS);
	case ARG_FDSET:
		return put_inout(m, arg, fdset_bytes(count, size), 0);
	case ARG_OUT_LENP:
		return put_user_buf(m, arg, length_behind(count), WBUF_IN | WBUF_OUT);
	case ARG_IOV_IN:
	case ARG_IOV_OUT:
		return put_iovec(m, arg, a->kind == ARG_IOV_OUT ? WBUF_OUT : WBUF_IN);
	case ARG_SIGMASK:
		m->masked = true;
		size = m->call.args[arg];
		m->call.args[arg] = 0;
		return mask_begin(size, count);
	case ARG_SIGMASKP:
		return put_mask_pointer(m, arg);
	default:
		return not_served(m->call.nr, "its row in the table");
	}
}

/* The threads of a 32-bit program have little room at home, but for the first. */
static uint64_t call_room(void)
{
	return current_proc->i386 && current_user->tid != current_proc->pid ? WIRE_CALL_SMALL :
									     WIRE_CALL_MAX;
}

static long put_arguments(struct marshal *m, const struct sys_desc *d)
{
	const uint64_t *args = m->call.args;
	long err;

	for (unsigned i = 0; i < 6; i++) {
		if (!sys_arg_is_pointer(&d->args[i]) || !args[i])
			continue;
		err = put_pointer(m, i, &d->args[i]);
		/* A page that could not be had: the call has not begun, so it can begin at home. */
		if (current_user->retreating)
			return RETREATED;
		if (err)
			return err;
	}
	if (m->bytes > call_room())
		return marshal_too_large(m, m->bytes);
	return 0;
}

static void give_back(struct marshal *m, long ret)
{
	uint64_t len = (uint64_t)ret * m->back_size;

	if (ret <= 0 || !m->back_from)
		return;
	copy_to_user(m->back_to, m->back_from, len < m->back_max ? len : m->back_max);
}

/*
 * Home had not begun the call when a signal ended it that only the call's mask lets through. It would
 * be delivered now and the call would wait for the next one; but Linux looks first what is ready, and
 * then at signals.
 */
static long look_once(struct marshal *m)
{
	static const uint64_t no_time[2];
	static const struct {
		uint32_t nr;
		uint8_t arg;
		bool ms, sets;
	} timeouts[] = {
		{ 270, 4, false, true },  /* pselect6 */
		{ 271, 2, false, false }, /* ppoll */
		{ 281, 3, true, false },  /* epoll_pwait */
		{ 441, 3, false, false }, /* epoll_pwait2 */
		/* The same of i386; those of the first two with times of 32 and of 64 bits. */
		{ 308 | SYS_I386, 4, false, true },
		{ 413 | SYS_I386, 4, false, true },
		{ 309 | SYS_I386, 2, false, false },
		{ 414 | SYS_I386, 2, false, false },
		{ 319 | SYS_I386, 3, true, false },
		{ 441 | SYS_I386, 3, false, false },
	};
	bool sets = false;
	struct fbuf *b = NULL;
	long ret;

	for (unsigned i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		if (timeouts[i].nr != m->call.nr)
			continue;
		sets = timeouts[i].sets;
		m->call.args[timeouts[i].arg] = 0;
		if (timeouts[i].ms)
			continue;
		for (unsigned k = 0; k < m->call.nbufs; k++)
			if (m->call.buf[k].arg == timeouts[i].arg)
				b = &m->call.buf[k];
		if (!b)
			b = marshal_buf(m, 0, 0, 0, 0);
		*b = (struct fbuf){ (uint64_t)no_time, sizeof(no_time), timeouts[i].arg, WBUF_IN, true };
	}
	current_user->steady = true;
	/* An interrupted select leaves its sets as they are. */
	if (sets)
		for (unsigned k = 0; k < m->call.nbufs; k++)
			m->call.buf[k].flags &= ~WBUF_OUT;
	ret = guest_call(&m->call);
	current_user->steady = false;
	if (ret > 0 && sets) {
		for (unsigned k = 0; k < m->call.nbufs; k++)
			if (m->call.buf[k].arg >= 1 && m->call.buf[k].arg <= 3)
				m->call.buf[k].flags |= WBUF_OUT;
		ret = guest_call(&m->call);
	}
	return ret ? ret : -ERESTARTNOHAND_;
}

long interrupted(long ret)
{
	/* Interrupted only because it is called home, where it goes on: no EINTR for that. */
	if (ret == -EINTR && proc_recall_due(current_proc) && !signal_pending(current))
		return -ERESTARTNOHAND_;
	return ret;
}

/* The value that selects the row of a call with commands. */
static uint64_t command_of(uint64_t nr, const uint64_t args[6])
{
	const struct sys_desc *d = sys_lookup(nr);

	for (int i = 0; i < 6; i++)
		if (d->args[i].kind == ARG_CMD)
			return args[d->args[i].ref];
	return 0;
}

long forward(uint64_t nr, const uint64_t args[6])
{
	const struct sys_desc *d = sys_resolve(nr, args);
	char text[32];

	if (d && d->class != SYS_RETREAT)
		return forward_as(d, nr, args);
	/* Only calls with commands come here. */
	snprintf(text, sizeof(text), "command %#llx", (unsigned long long)command_of(nr, args));
	return not_served(nr, d ? d->name : text);
}

long forward_as(const struct sys_desc *d, uint64_t nr, const uint64_t args[6])
{
	struct marshal m;
	long ret;

	memset(&m, 0, sizeof(m));
	m.call.nr = nr;
	for (unsigned i = 0; i < 6; i++)
		m.call.args[i] = d->args[i].kind == ARG_NONE ? 0 : args[i];
	ret = put_arguments(&m, d);
	if (!ret) {
		ret = guest_call(&m.call);
		if (ret == -ERESTARTNOINTR_ && m.masked && signal_pending(current))
			ret = look_once(&m);
		give_back(&m, ret);
		marshal_scatter(&m, ret);
	}
	ret = interrupted(ret);
	if (m.masked)
		mask_end(ret);
	marshal_free(&m);
	return ret;
}

/* --- plain values ----------------------------------------------------------------------------- */

long home_call(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	       uint64_t a5)
{
	struct fcall call = { .nr = nr, .args = { a0, a1, a2, a3, a4, a5 } };

	return guest_call(&call);
}

void home_replay(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		 uint64_t a5)
{
	struct fcall call = { .nr = nr, .args = { a0, a1, a2, a3, a4, a5 } };

	guest_call_oneway(&call);
}
