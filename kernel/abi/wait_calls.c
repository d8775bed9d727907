/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that wait at home for so long and no longer: poll, epoll_wait and the like. They are forwarded;
 * here is kept until when, so that an interruption that the program must not notice (a move, a signal
 * without a handler) does not let it wait anew for the whole time.
 */
#include <errno.h>

#include "kernel/abi/abi.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"

struct timespec64 {
	int64_t sec, nsec;
};

enum {
	NR_POLL = 7,
	NR_SEMTIMEDOP = 220,
	NR_EPOLL_WAIT = 232,
	NR_EPOLL_PWAIT = 281,
	NR_EPOLL_PWAIT2 = 441
};

/* Makes the call, and notes how it goes on if it is interrupted. */
static long wait_call(enum restart_kind kind, uint64_t nr, const uint64_t made[6],
		      const uint64_t args[6], uint64_t deadline)
{
	long ret = forward(nr, made);

	if (ret == -ERESTART_RESTARTBLOCK_ || ret == -ERESTARTNOHAND_) {
		current_user->restart = (struct restart_block){
			kind, deadline, { args[0], args[1], args[2], args[3], args[4], args[5] }
		};
		return -ERESTART_RESTARTBLOCK_;
	}
	return ret;
}

static uint64_t time_left(uint64_t deadline)
{
	uint64_t now = clock_now_ns();

	return deadline > now ? deadline - now : 0;
}

/* Milliseconds in argument `arg`, negative: for ever. */
static long wait_ms(enum restart_kind kind, uint64_t nr, const uint64_t args[6], unsigned arg,
		    uint64_t deadline)
{
	uint64_t a[6] = { args[0], args[1], args[2], args[3], args[4], args[5] };

	if (deadline != WAIT_FOREVER)
		a[arg] = (time_left(deadline) + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return wait_call(kind, nr, a, args, deadline);
}

static uint64_t deadline_of_ms(uint64_t arg)
{
	int32_t ms = (int32_t)arg;

	return ms < 0 ? WAIT_FOREVER : clock_now_ns() + ms * NSEC_PER_MSEC;
}

long sys_poll(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return wait_ms(RESTART_POLL, NR_POLL, args, 2, deadline_of_ms(args[2]));
}

long sys_epoll_wait(struct trapframe *tf, const uint64_t args[6])
{
	return wait_ms(RESTART_EPOLL, tf->error, args, 3, deadline_of_ms(args[3]));
}

long sys_epoll_pwait(struct trapframe *tf, const uint64_t args[6])
{
	return sys_epoll_wait(tf, args);
}

/* A struct timespec behind argument 3; a bad one is for home to refuse. */
static long wait_timespec(uint64_t nr, const uint64_t args[6])
{
	uint64_t deadline = WAIT_FOREVER;
	struct timespec64 ts;

	if (args[3] && !copy_from_user(&ts, args[3], sizeof(ts)) && ts.sec >= 0 &&
	    ts.sec < INT32_MAX && ts.nsec >= 0 && ts.nsec < (int64_t)NSEC_PER_SEC)
		deadline = clock_now_ns() + ts.sec * NSEC_PER_SEC + ts.nsec;
	return wait_call(RESTART_TIMESPEC, nr, args, args, deadline);
}

long sys_epoll_pwait2(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return wait_timespec(NR_EPOLL_PWAIT2, args);
}

long sys_semtimedop(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	return wait_timespec(NR_SEMTIMEDOP, args);
}

long wait_again(struct trapframe *tf, const struct restart_block *r)
{
	uint64_t a[6] = { r->args[0], r->args[1], r->args[2], r->args[3], r->args[4], r->args[5] };
	uint64_t nr = current_user->restart_nr, left, at;
	struct timespec64 ts;

	if (r->kind == RESTART_POLL)
		return wait_ms(RESTART_POLL, NR_POLL, r->args, 2, r->deadline_ns);
	if (r->kind == RESTART_EPOLL)
		return wait_ms(RESTART_EPOLL, nr, r->args, 3, r->deadline_ns);
	/* The time left goes below the stack's red zone, where nothing is kept over a call. */
	left = time_left(r->deadline_ns);
	ts = (struct timespec64){ left / NSEC_PER_SEC, left % NSEC_PER_SEC };
	at = restart_scratch(tf);
	if (r->deadline_ns != WAIT_FOREVER && !copy_to_user(at, &ts, sizeof(ts)))
		a[3] = at;
	return wait_call(RESTART_TIMESPEC, nr, a, r->args, r->deadline_ns);
}
