/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structs in the caller's layout: <asm/compat.h> and <linux/compat.h> have those of i386. */
#include "kernel/abi/layout.h"

#include <errno.h>
#include <string.h>

#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"

#define LONGS_MAX 18 /* struct rusage */

unsigned user_long_size(void)
{
	return current_user->i386 ? 4 : 8;
}

int get_user_long(uint64_t *v, uint64_t addr)
{
	uint32_t half;
	int err;

	if (!current_user->i386)
		return get_user64(v, addr);
	err = get_user32(&half, addr);
	*v = half;
	return err;
}

int put_user_long(uint64_t addr, uint64_t v)
{
	return current_user->i386 ? put_user32(addr, (uint32_t)v) : put_user64(addr, v);
}

int get_user_longs(int64_t *v, unsigned n, uint64_t addr)
{
	int32_t half[LONGS_MAX];

	if (!current_user->i386)
		return copy_from_user(v, addr, n * sizeof(*v)) ? -EFAULT : 0;
	if (copy_from_user(half, addr, n * sizeof(half[0])))
		return -EFAULT;
	for (unsigned i = 0; i < n; i++)
		v[i] = half[i];
	return 0;
}

int put_user_longs(uint64_t addr, const int64_t *v, unsigned n)
{
	int32_t half[LONGS_MAX];

	if (!current_user->i386)
		return copy_to_user(addr, v, n * sizeof(*v)) ? -EFAULT : 0;
	for (unsigned i = 0; i < n; i++)
		half[i] = (int32_t)v[i];
	return copy_to_user(addr, half, n * sizeof(half[0])) ? -EFAULT : 0;
}

/* --- times ------------------------------------------------------------------------------------ */

int get_user_timespec(int64_t ts[2], uint64_t addr)
{
	int32_t half[2];

	if (!current_user->time32) {
		if (copy_from_user(ts, addr, 2 * sizeof(ts[0])))
			return -EFAULT;
		/* The upper half of a long's place is padding to an i386 program. */
		if (current_user->i386)
			ts[1] = (uint32_t)ts[1];
		return 0;
	}
	if (copy_from_user(half, addr, sizeof(half)))
		return -EFAULT;
	ts[0] = half[0];
	ts[1] = half[1];
	return 0;
}

int put_user_timespec(uint64_t addr, const int64_t ts[2])
{
	int32_t half[2] = { (int32_t)ts[0], (int32_t)ts[1] };

	if (current_user->time32)
		return copy_to_user(addr, half, sizeof(half)) ? -EFAULT : 0;
	return copy_to_user(addr, ts, 2 * sizeof(ts[0])) ? -EFAULT : 0;
}

/* --- siginfo ---------------------------------------------------------------------------------- */

/* Which member of the union it is, from signal and code: sigaction(2), "The siginfo_t argument". */
enum member { M_KILL, M_TIMER, M_QUEUE, M_CHILD, M_FAULT, M_POLL, M_SYS };

/* Codes of each signal that say more than who sent it; the last one known. */
static const struct {
	uint8_t signo, last, member;
} own_codes[] = {
	{ LSIG_ILL, 11, M_FAULT }, { LSIG_FPE, 15, M_FAULT }, { LSIG_SEGV, 10, M_FAULT },
	{ LSIG_BUS, 5, M_FAULT },  { LSIG_TRAP, 6, M_FAULT }, { LSIG_CHLD, 6, M_CHILD },
	{ LSIG_IO, 6, M_POLL },	   { LSIG_SYS, 2, M_SYS },
};

#define CODE_TIMER (-2)
#define CODE_SIGIO (-5)
#define POLL_LAST  6

static enum member member_of(int signo, int code)
{
	if (code > LSI_USER && code < LSI_KERNEL) {
		for (unsigned i = 0; i < sizeof(own_codes) / sizeof(own_codes[0]); i++)
			if (own_codes[i].signo == signo && code <= own_codes[i].last)
				return own_codes[i].member;
		return code <= POLL_LAST ? M_POLL : M_KILL;
	}
	if (code == CODE_TIMER)
		return M_TIMER;
	if (code == CODE_SIGIO)
		return M_POLL;
	return code < 0 ? M_QUEUE : M_KILL;
}

/*
 * Where the fields lie, in bytes: on i386 right behind the code, on x86-64 at 16. wide: 8 bytes
 * there, 4 here.
 */
struct field {
	uint8_t native, i386, wide;
};

static const struct field fields[][5] = {
	[M_KILL] = { { 16, 12, 0 }, { 20, 16, 0 } },
	[M_TIMER] = { { 16, 12, 0 }, { 20, 16, 0 }, { 24, 20, 1 } },
	[M_QUEUE] = { { 16, 12, 0 }, { 20, 16, 0 }, { 24, 20, 1 } },
	[M_CHILD] = { { 16, 12, 0 }, { 20, 16, 0 }, { 24, 20, 0 }, { 32, 24, 1 }, { 40, 28, 1 } },
	[M_FAULT] = { { 16, 12, 1 }, { 24, 16, 0 } },
	[M_POLL] = { { 16, 12, 1 }, { 24, 16, 0 } },
	[M_SYS] = { { 16, 12, 1 }, { 24, 16, 0 }, { 28, 20, 0 } },
};

void siginfo_to_i386(uint8_t out[128], const struct siginfo *info)
{
	const struct field *f = fields[member_of(info->signo, info->code)];

	memset(out, 0, 128);
	memcpy(out, info, 12);
	for (unsigned i = 0; i < 5 && f[i].native; i++)
		memcpy(out + f[i].i386, (const uint8_t *)info + f[i].native, 4);
}

void siginfo_from_i386(struct siginfo *info, const uint8_t in[128])
{
	const struct field *f;

	memset(info, 0, sizeof(*info));
	memcpy(info, in, 12);
	f = fields[member_of(info->signo, info->code)];
	for (unsigned i = 0; i < 5 && f[i].native; i++)
		memcpy((uint8_t *)info + f[i].native, in + f[i].i386, 4);
}

int get_user_siginfo(struct siginfo *info, uint64_t addr)
{
	uint8_t in[128];

	if (!current_user->i386)
		return copy_from_user(info, addr, sizeof(*info)) ? -EFAULT : 0;
	if (copy_from_user(in, addr, sizeof(in)))
		return -EFAULT;
	siginfo_from_i386(info, in);
	return 0;
}

int put_user_siginfo(uint64_t addr, const struct siginfo *info)
{
	uint8_t out[128];

	if (!current_user->i386)
		return copy_to_user(addr, info, sizeof(*info)) ? -EFAULT : 0;
	siginfo_to_i386(out, info);
	return copy_to_user(addr, out, sizeof(out)) ? -EFAULT : 0;
}

/* --- stack and action ------------------------------------------------------------------------- */

struct stack32 {
	uint32_t sp, flags, size;
};

int get_user_stack(struct sig_stack *s, uint64_t addr)
{
	struct stack32 half;

	if (!current_user->i386)
		return copy_from_user(s, addr, sizeof(*s)) ? -EFAULT : 0;
	if (copy_from_user(&half, addr, sizeof(half)))
		return -EFAULT;
	*s = (struct sig_stack){ .sp = half.sp, .flags = half.flags, .size = half.size };
	return 0;
}

int put_user_stack(uint64_t addr, const struct sig_stack *s)
{
	struct stack32 half = { (uint32_t)s->sp, s->flags, (uint32_t)s->size };

	if (!current_user->i386)
		return copy_to_user(addr, s, sizeof(*s)) ? -EFAULT : 0;
	return copy_to_user(addr, &half, sizeof(half)) ? -EFAULT : 0;
}

struct sigaction32 {
	uint32_t handler, flags, restorer;
	uint64_t mask;
} __attribute__((packed));

_Static_assert(sizeof(struct sigaction32) == SIGACTION32_SIZE, "struct sigaction of i386");

void sigaction_to_i386(uint8_t out[SIGACTION32_SIZE], const struct wire_sigact *act)
{
	struct sigaction32 half = { (uint32_t)act->handler, (uint32_t)act->flags,
				    (uint32_t)act->restorer, act->mask };

	memcpy(out, &half, sizeof(half));
}

int get_user_sigaction(struct wire_sigact *act, uint64_t addr)
{
	struct sigaction32 half;

	if (!current_user->i386)
		return copy_from_user(act, addr, sizeof(*act)) ? -EFAULT : 0;
	if (copy_from_user(&half, addr, sizeof(half)))
		return -EFAULT;
	*act = (struct wire_sigact){ half.handler, half.flags, half.restorer, half.mask };
	return 0;
}

int put_user_sigaction(uint64_t addr, const struct wire_sigact *act)
{
	uint8_t half[SIGACTION32_SIZE];

	if (!current_user->i386)
		return copy_to_user(addr, act, sizeof(*act)) ? -EFAULT : 0;
	sigaction_to_i386(half, act);
	return copy_to_user(addr, half, sizeof(half)) ? -EFAULT : 0;
}
