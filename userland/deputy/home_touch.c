/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which memory Linux will touch for a process that runs at home with pages pending, when a system
 * call is made or a signal delivered: those pages are fetched first, then it goes on. For calls that
 * nodes forward, the table that tells how their arguments travel tells where they point, too.
 */
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "proto/syscalls.h"
#include "userland/deputy/home_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

#define PAGE		WIRE_PAGE_SIZE
#define RANGE_MAX	(64u << 20)	/* more than that: wait for all */
#define FRAME_MAX	16384u		/* a signal's frame with the largest extended state */
#define RED_ZONE	128u
#define PATH_ROOM	4096u
#define IOV_MAX_	1024u

/* What has been found out so far about one call. */
struct touch {
	struct stub *stub;
	struct home *home;
	bool missing;	/* pages that have to come first */
	bool unknown;	/* nobody can say what it touches */
};

static void range(struct touch *t, uint64_t addr, uint64_t len)
{
	uint64_t first = addr & ~(uint64_t)(PAGE - 1), end;

	if (!addr || !len)
		return;
	if (len > RANGE_MAX || addr > UINT64_MAX - len) {
		t->unknown = true;
		return;
	}
	end = (addr + len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (!home_have(t->home, first, (uint32_t)((end - first) / PAGE)))
		t->missing = true;
}

/* Reads from the process what it has: false while that is still to come, or if it has no such. */
static bool peek(struct touch *t, uint64_t addr, void *buf, size_t len)
{
	bool missing = t->missing;

	t->missing = false;
	range(t, addr, len);
	if (t->missing)
		return false;
	t->missing = missing;
	/* Not readable at all: Linux will say so to the program. */
	return !stub_read(t->stub, addr, buf, len);
}

static void vectors(struct touch *t, uint64_t addr, uint64_t count)
{
	struct iovec iov[IOV_MAX_];

	if (count > IOV_MAX_ || !peek(t, addr, iov, count * sizeof(iov[0])))
		return;
	for (uint64_t i = 0; i < count; i++)
		range(t, (uint64_t)iov[i].iov_base, iov[i].iov_len);
}

static void argument(struct touch *t, const struct sys_arg *arg, uint64_t value, const uint64_t args[6])
{
	uint64_t ref = arg->ref < 6 ? args[arg->ref] : 0, pair[2];
	uint32_t length;

	switch (arg->kind) {
	case ARG_NONE:
	case ARG_V:
	case ARG_FD:
	case ARG_CMD:
		break;
	case ARG_STR:
		range(t, value, PATH_ROOM);
		break;
	case ARG_IN:
	case ARG_OUT:
	case ARG_PART:
	case ARG_INOUT:
	case ARG_TIMEOUT:
		range(t, value, arg->size);
		break;
	case ARG_IN_LEN:
	case ARG_OUT_RET:
	case ARG_PART_LEN:
	case ARG_SIGMASK:
		range(t, value, ref + arg->size);
		break;
	case ARG_IN_MUL:
	case ARG_OUT_RETMUL:
	case ARG_INOUT_MUL:
		range(t, value, (uint64_t)(uint32_t)ref * arg->size);
		break;
	case ARG_FDSET:
		range(t, value, (uint64_t)(uint32_t)ref / 8 + 8);
		break;
	case ARG_IOV_IN:
	case ARG_IOV_OUT:
		vectors(t, value, ref);
		break;
	case ARG_LENP:
		range(t, value, sizeof(length));
		break;
	case ARG_OUT_LENP:
		if (ref && peek(t, ref, &length, sizeof(length)))
			range(t, value, length);
		break;
	case ARG_SIGMASKP:
		if (value && peek(t, value, pair, sizeof(pair)))
			range(t, pair[0], pair[1]);
		break;
	default:
		t->unknown = true;
	}
}

/* Calls that nodes serve themselves, so that no table says how their arguments travel: bytes each. */
static const struct {
	uint16_t nr;
	uint16_t bytes[6];
} own[] = {
	{ SYS_rt_sigaction, { 0, 32, 32 } },
	{ SYS_rt_sigprocmask, { 0, 8, 8 } },
	{ SYS_rt_sigpending, { 8 } },
	{ SYS_rt_sigsuspend, { 8 } },
	{ SYS_rt_sigtimedwait, { 8, 128, 16 } },
	{ SYS_sigaltstack, { 24, 24 } },
	{ SYS_nanosleep, { 16, 16 } },
	{ SYS_clock_nanosleep, { 0, 0, 16, 16 } },
	{ SYS_clock_gettime, { 0, 16 } },
	{ SYS_clock_getres, { 0, 16 } },
	{ SYS_gettimeofday, { 16, 8 } },
	{ SYS_time, { 8 } },
	{ SYS_getcpu, { 4, 4 } },
	{ SYS_futex, { 4, 0, 0, 16, 4 } },
	{ SYS_kill, { 0 } },
	{ SYS_tkill, { 0 } },
	{ SYS_tgkill, { 0 } },
	{ SYS_pause, { 0 } },
	{ SYS_restart_syscall, { 0 } },
	{ SYS_uname, { 390 } },
	{ SYS_sysinfo, { 112 } },
	{ SYS_times, { 32 } },
	{ SYS_getrusage, { 0, 144 } },
	{ SYS_getrlimit, { 0, 16 } },
	{ SYS_prlimit64, { 0, 0, 16, 16 } },
	{ SYS_arch_prctl, { 0, 8 } },
	{ SYS_set_robust_list, { 0 } },
	{ SYS_set_tid_address, { 0 } },
};

static bool own_call(struct touch *t, uint64_t nr, const uint64_t args[6])
{
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (own[i].nr != nr)
			continue;
		for (unsigned k = 0; k < 6; k++)
			range(t, own[i].bytes[k] ? args[k] : 0, own[i].bytes[k]);
		return true;
	}
	return false;
}

bool home_touch_call(struct stub *stub, uint64_t nr, uint64_t rsp, const uint64_t args[6])
{
	struct touch t = { .stub = stub, .home = stub->process->home };
	const struct sys_desc *desc;
	bool described;

	if (nr == SYS_rt_sigreturn) {
		range(&t, rsp - 8, FRAME_MAX);
	} else if (!own_call(&t, nr, args)) {
		desc = sys_resolve(nr, args);
		/* Of those that nodes serve in part, these are described in full all the same. */
		described = nr == SYS_read || nr == SYS_write || nr == SYS_pread64 ||
			    nr == SYS_pwrite64 || nr == SYS_poll;
		if (!desc || !desc->name || (desc->class != SYS_FORWARD && !described))
			return false;
		for (unsigned i = 0; i < 6; i++)
			argument(&t, &desc->args[i], args[i], args);
	}
	return !t.missing && !t.unknown;
}

bool home_touch_signal(struct stub *stub)
{
	struct touch t = { .stub = stub, .home = stub->process->home };
	const struct home_thread *thread = home_thread(t.home, stub->pid);
	struct user_regs_struct regs;

	if (stub_get_regs(stub, &regs))
		return true;
	range(&t, regs.rsp - RED_ZONE - FRAME_MAX, RED_ZONE + FRAME_MAX);
	if (!thread)
		return !t.missing;
	/* The alternate stack may have been changed since; then it was by a call that touched it. */
	if (thread->head.altstack_size > FRAME_MAX)
		range(&t, thread->head.altstack_sp + thread->head.altstack_size - FRAME_MAX,
		      FRAME_MAX);
	else
		range(&t, thread->head.altstack_sp, thread->head.altstack_size);
	return !t.missing;
}
