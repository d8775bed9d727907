/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and sleeps. Clocks are home's: our own plus an offset that the session keeps up to date.
 * CPU time is what was burnt here plus what the image brought.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "kernel/time/clock.h"

enum {
	NR_SETITIMER = 38,
	NR_TIMES = 100,
	NR_TIMER_CREATE = 222,
	NR_TIMER_GETOVERRUN = 225,
	NR_TIMER_DELETE = 226,
};

enum {
	CLOCK_REALTIME_,
	CLOCK_MONOTONIC_,
	CLOCK_PROCESS_CPUTIME_,
	CLOCK_THREAD_CPUTIME_,
	CLOCK_MONOTONIC_RAW_,
	CLOCK_REALTIME_COARSE_,
	CLOCK_MONOTONIC_COARSE_,
	CLOCK_BOOTTIME_,
};

#define CLOCKS	    12		/* numbers that Linux 6.12 knows */
#define SECONDS_MAX (1ll << 32) /* longer sleeps are forever */

struct timespec64 {
	int64_t sec, nsec;
};

struct timeval64 {
	int64_t sec, usec;
};

/* --- reading clocks --------------------------------------------------------------------------- */

static int64_t cpu_time(bool thread)
{
	uint64_t utime, stime;

	if (thread)
		return thread_cpu_ns(current) + current_user->cpu_base_ns;
	proc_cpu_times(current_proc, &utime, &stime);
	return utime + stime;
}

/*
 * The clock's offset to clock_now_ns(); false for one that is not kept here: home is asked. So for
 * MONOTONIC_RAW, which differs from MONOTONIC by all that home's clock was ever slewed, and for the
 * coarse ones, which stand still between home's ticks: a finer one would go back on the way home.
 */
static bool clock_offset(int clock, int64_t *offset)
{
	switch (clock) {
	case CLOCK_REALTIME_:
		*offset = guest_realtime_offset(current_proc);
		return true;
	case CLOCK_MONOTONIC_:
		*offset = guest_monotonic_offset(current_proc);
		return true;
	case CLOCK_BOOTTIME_:
		*offset = guest_boottime_offset(current_proc);
		return true;
	default:
		return false;
	}
}

/*
 * A CPU clock of this process or thread by its pid (clock_getcpuclockid(3)): 1, 2 for a thread's.
 */
static int own_cpu_clock(int clock)
{
	uint32_t pid = ~(clock >> 3);
	bool thread = clock & 4;

	if (clock == CLOCK_PROCESS_CPUTIME_)
		return 1;
	if (clock == CLOCK_THREAD_CPUTIME_)
		return 2;
	/* The low bits: 0 profile, 1 user only, 2 scheduler's; 3 is a descriptor. */
	if (clock >= 0 || (clock & 3) != 2)
		return 0;
	if (!pid)
		return thread ? 2 : 1;
	if (thread)
		return pid == current_user->tid ? 2 : 0;
	return pid == current_proc->pid ? 1 : 0;
}

long sys_clock_gettime(struct trapframe *tf, const uint64_t args[6])
{
	int clock = (int)args[0], own = own_cpu_clock(clock);
	int64_t ts[2], ns, offset;

	if (own)
		ns = cpu_time(own == 2);
	else if (clock_offset(clock, &offset))
		ns = clock_now_ns() + offset;
	else
		return forward(tf->error, args);
	ts[0] = ns / (int64_t)NSEC_PER_SEC;
	ts[1] = ns % (int64_t)NSEC_PER_SEC;
	return put_user_timespec(args[1], ts);
}

long sys_gettimeofday(struct trapframe *tf, const uint64_t args[6])
{
	int64_t ns = clock_now_ns() + guest_realtime_offset(current_proc);
	int64_t tv[2] = { ns / (int64_t)NSEC_PER_SEC,
			  ns % (int64_t)NSEC_PER_SEC / (int64_t)NSEC_PER_USEC };

	if (args[1])
		return forward(tf->error, args);
	return args[0] ? put_user_longs(args[0], tv, 2) : 0;
}

long sys_time(struct trapframe *tf, const uint64_t args[6])
{
	int64_t ns = clock_now_ns() + guest_realtime_offset(current_proc);

	(void)tf;
	ns /= (int64_t)NSEC_PER_SEC;
	return args[0] && put_user_long(args[0], ns) ? -EFAULT : ns;
}

/* --- CPU time --------------------------------------------------------------------------------- */

#define NSEC_PER_TICK (NSEC_PER_SEC / 100) /* USER_HZ */

long sys_times(struct trapframe *tf, const uint64_t args[6])
{
	int64_t tms[4]; /* own user, system; children's user, system */
	struct fcall call = {
		.nr = NR_TIMES,
		.nbufs = 1,
		.buf[0] = { (uint64_t)tms, sizeof(tms), 0, WBUF_OUT, true },
	};
	uint64_t utime, stime;
	long ret;

	(void)tf;
	if (!args[0])
		return home_call(NR_TIMES, 0, 0, 0, 0, 0, 0);
	ret = guest_call(&call);
	proc_cpu_times(current_proc, &utime, &stime);
	tms[0] = utime / NSEC_PER_TICK;
	tms[1] = stime / NSEC_PER_TICK;
	if (!call.returned[0])
		return ret;
	return put_user_longs(args[0], tms, 4) ? -EFAULT : ret;
}

/* The counters Linux keeps, as its struct rusage; the rest has been 0 for ever. */
struct rusage64 {
	struct timeval64 utime, stime;
	int64_t maxrss_kb, ixrss, idrss, isrss;
	int64_t minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals;
	int64_t nvcsw, nivcsw;
};

_Static_assert(sizeof(struct rusage64) == 144, "struct rusage of x86-64");

static struct timeval64 timeval_of(uint64_t ns)
{
	return (struct timeval64){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC };
}

long sys_getrusage(struct trapframe *tf, const uint64_t args[6])
{
	enum { SELF = 0, THREAD = 1 };
	int who = (int)args[0];
	struct mm *mm = current->mm;
	struct rusage64 r;
	uint64_t utime, stime;

	if (who != SELF && who != THREAD)
		return forward(tf->error, args);
	memset(&r, 0, sizeof(r));
	proc_cpu_times(current_proc, &utime, &stime);
	if (who == THREAD) {
		stime = current_user->stime_ns;
		utime = thread_cpu_ns(current);
		utime = utime > stime ? utime - stime : 0;
	}
	r.utime = timeval_of(utime);
	r.stime = timeval_of(stime);
	r.maxrss_kb = (mm->rss_pages + mm->away_pages) * (PAGE_SIZE / 1024);
	r.minflt = mm->minor_faults;
	r.majflt = mm->faults;
	r.nvcsw = current->switches;
	return put_user_longs(args[1], (const int64_t *)&r, sizeof(r) / sizeof(int64_t));
}

/* --- sleeping --------------------------------------------------------------------------------- */

/*
 * Sleeps until the deadline. 0, or -ERESTART_RESTARTBLOCK_ with the rest in *rem (relative only).
 */
static long sleep_relative(uint64_t deadline, uint64_t rem)
{
	struct waitq nobody = WAITQ_INIT(nobody);
	uint64_t now;

	wait_event_interruptible(&nobody, signal_wakes(current), deadline);
	now = clock_now_ns();
	if (now >= deadline)
		return 0;
	if (rem) {
		const int64_t left[2] = { (deadline - now) / NSEC_PER_SEC,
					  (deadline - now) % NSEC_PER_SEC };

		if (put_user_timespec(rem, left))
			return -EFAULT;
	}
	current_user->restart = (struct restart_block){ RESTART_SLEEP, deadline, { rem },
							current_user->time32 };
	return -ERESTART_RESTARTBLOCK_;
}

static int read_timespec(struct timespec64 *ts, uint64_t from)
{
	int64_t t[2];

	if (get_user_timespec(t, from))
		return -EFAULT;
	*ts = (struct timespec64){ t[0], t[1] };
	if (ts->sec < 0 || ts->nsec < 0 || ts->nsec >= (int64_t)NSEC_PER_SEC)
		return -EINVAL;
	if (ts->sec > SECONDS_MAX)
		ts->sec = SECONDS_MAX;
	return 0;
}

long sys_nanosleep(struct trapframe *tf, const uint64_t args[6])
{
	struct timespec64 ts;
	int err = read_timespec(&ts, args[0]);

	(void)tf;
	if (err)
		return err;
	return sleep_relative(clock_now_ns() + ts.sec * NSEC_PER_SEC + ts.nsec, args[1]);
}

long sys_clock_nanosleep(struct trapframe *tf, const uint64_t args[6])
{
	struct waitq nobody = WAITQ_INIT(nobody);
	int clock = (int)args[0], err;
	bool absolute = args[1] & 1;
	struct timespec64 ts;
	int64_t offset, until;

	(void)tf;
	if (clock >= CLOCKS || clock == CLOCK_THREAD_CPUTIME_)
		return -EINVAL;
	if ((clock != CLOCK_REALTIME_ && clock != CLOCK_MONOTONIC_ && clock != CLOCK_BOOTTIME_) ||
	    !clock_offset(clock, &offset))
		return retreat(WHY_SYSCALL, "clock_nanosleep on clock %d", clock);
	err = read_timespec(&ts, args[2]);
	if (err)
		return err;
	if (!absolute)
		return sleep_relative(clock_now_ns() + ts.sec * NSEC_PER_SEC + ts.nsec, args[3]);
	until = ts.sec * (int64_t)NSEC_PER_SEC + ts.nsec - offset;
	if (until < 0)
		until = 0;
	wait_event_interruptible(&nobody, signal_wakes(current), (uint64_t)until);
	return clock_now_ns() >= (uint64_t)until ? 0 : -ERESTARTNOHAND_;
}

long sys_restart_syscall(struct trapframe *tf, const uint64_t args[6])
{
	struct restart_block r = current_user->restart;

	(void)args;
	current_user->restart.kind = RESTART_NONE;
	current_user->time32 = r.time32;
	switch (r.kind) {
	case RESTART_SLEEP:
		return sleep_relative(r.deadline_ns, r.args[0]);
	case RESTART_FUTEX:
		return futex_wait_on(r.args[0], r.args[3], r.args[1], r.args[2], r.deadline_ns);
	case RESTART_POLL:
	case RESTART_EPOLL:
	case RESTART_TIMESPEC:
		return wait_again(tf, &r);
	default:
		return -EINTR;
	}
}

/* --- timers: home's, unless they count CPU time, which is burnt here -------------------------- */

long sys_getitimer(struct trapframe *tf, const uint64_t args[6])
{
	return forward(tf->error, args);
}

long sys_setitimer(struct trapframe *tf, const uint64_t args[6])
{
	if ((int)args[0] == 1 || (int)args[0] == 2)
		return not_served(NR_SETITIMER, "a timer of CPU time");
	return forward(tf->error, args);
}

long sys_timer_create(struct trapframe *tf, const uint64_t args[6])
{
	int clock = (int)args[0];

	if (clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ || clock == CLOCK_THREAD_CPUTIME_)
		return not_served(NR_TIMER_CREATE, "a timer of CPU time");
	return forward(tf->error, args);
}

long sys_timer_getoverrun(struct trapframe *tf, const uint64_t args[6])
{
	int32_t count;

	(void)tf;
	if (overrun_last(current_proc, (uint32_t)args[0], &count))
		return count;
	return forward(NR_TIMER_GETOVERRUN, args);
}

long sys_timer_delete(struct trapframe *tf, const uint64_t args[6])
{
	(void)tf;
	overrun_forget(current_proc, (uint32_t)args[0]);
	return forward(NR_TIMER_DELETE, args);
}
