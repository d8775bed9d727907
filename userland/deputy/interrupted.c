/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of an interrupted system call: see interrupted.h. */
#include "userland/deputy/interrupted.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <time.h>

#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

#define NSEC 1000000000ll
#define MSEC 1000000ll

/* Below the red zone, where nothing is kept over a system call; a handler's frame may lie there, but
 * after a handler the call is not made again. */
#define SCRATCH_BELOW 512

/*
 * When the thread last ran, in the scheduler's clock of the CPU where that was. That clock does not
 * count what the CPU spent on interrupts, so what a sleep took is never found too long.
 */
static bool last_ran(pid_t pid, struct last_ran *out)
{
	char path[48], line[256];
	unsigned long long ms, ns;
	bool clock = false, count = false;
	FILE *f;
	char *p;

	/* First whether it sleeps: what is read then, is of that sleep or a later one. */
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	out->known = f && fgets(line, sizeof(line), f) && (p = strrchr(line, ')')) &&
		     sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
				   "%*d %*d %*d %*u %*u %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u "
				   "%*u %*u %*u %*d %d", &out->state, &out->cpu) == 2;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/sched", pid);
	f = out->known ? fopen(path, "re") : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		p = strchr(line, ':');
		if (!strncmp(line, "se.exec_start", 13))
			clock = p && sscanf(p + 1, "%llu.%6llu", &ms, &ns) == 2;
		else if (!strncmp(line, "nr_voluntary_switches", 21))
			count = p && sscanf(p + 1, "%llu", &out->switches) == 1;
	}
	if (f)
		fclose(f);
	out->known = clock && count;
	if (out->known)
		out->ns = ms * (uint64_t)MSEC + ns;
	return out->known;
}

void interrupted_note(struct stub *stub)
{
	last_ran(stub->pid, &stub->ran);
}

bool interrupted_call(const struct user_regs_struct *regs)
{
	int64_t ret = (int64_t)regs->rax;

	/*
	 * -EINTR can only be from our own interruption: a handler, if there were one, would have been
	 * entered already. close(2) has closed the descriptor then.
	 */
	return (int64_t)regs->orig_rax >= 0 &&
	       (ret == -512 || ret == -513 || ret == -514 || ret == -516 ||
		(ret == -EINTR && regs->orig_rax != SYS_close));
}

/* What is left of a sleep of that length. At least 1: nothing would mean something else. */
static int64_t left_of(const struct stub *stub, int64_t length)
{
	struct last_ran now;

	/*
	 * Only the same CPU's clock can be compared; and only if it has been in this one sleep from then
	 * on, until our stop (which looks like a second).
	 */
	if (!stub->ran.known || stub->ran.state != 'S' || !last_ran(stub->pid, &now) ||
	    now.cpu != stub->ran.cpu || now.ns < stub->ran.ns ||
	    now.switches != stub->ran.switches + 1)
		return length;
	length -= (int64_t)(now.ns - stub->ran.ns);
	return length > 1 ? length : 1;
}

static void shorten_ms(const struct stub *stub, unsigned long long *arg)
{
	if ((int)*arg > 0)
		*arg = (uint64_t)((left_of(stub, (int)*arg * MSEC) + MSEC - 1) / MSEC);
}

static void shorten_timespec(struct stub *stub, const struct user_regs_struct *regs,
			     unsigned long long *arg)
{
	uint64_t at = (regs->rsp - SCRATCH_BELOW) & ~15ull;
	struct timespec ts;
	int64_t left;

	if (!*arg || stub_read(stub, *arg, &ts, sizeof(ts)) || ts.tv_sec < 0 || ts.tv_sec > INT32_MAX)
		return;
	left = left_of(stub, ts.tv_sec * NSEC + ts.tv_nsec);
	ts.tv_sec = left / NSEC;
	ts.tv_nsec = left % NSEC;
	if (!stub_write(stub, at, &ts, sizeof(ts)))
		*arg = at;
}

void interrupted_settle(struct stub *stub, struct user_regs_struct *regs, uint64_t nr)
{
	int64_t ret = (int64_t)regs->rax;

	regs->orig_rax = nr;
	if (ret != -516 && ret != -EINTR)
		return;
	regs->rax = (uint64_t)-514; /* EINTR if a handler runs, else the call again */
	switch (nr) {
	case SYS_nanosleep:
		shorten_timespec(stub, regs, &regs->rdi);
		break;
	case SYS_clock_nanosleep:
		if (!(regs->rsi & TIMER_ABSTIME))
			shorten_timespec(stub, regs, &regs->rdx);
		break;
	case SYS_futex:
		/* The others of futex(2) have absolute timeouts. */
		if ((regs->rsi & FUTEX_CMD_MASK) == FUTEX_WAIT)
			shorten_timespec(stub, regs, &regs->r10);
		break;
	case SYS_poll:
		shorten_ms(stub, &regs->rdx);
		break;
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		shorten_ms(stub, &regs->r10);
		break;
	case SYS_epoll_pwait2:
	case SYS_semtimedop:
		shorten_timespec(stub, regs, &regs->r10);
		break;
	case SYS_rt_sigtimedwait:
		shorten_timespec(stub, regs, &regs->rdx);
		break;
	}
}

void interrupted_waited(struct stub *stub, struct user_regs_struct *regs, uint64_t ns)
{
	struct timespec ts;
	int64_t left;

	switch (regs->rax) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		left = (int)regs->r10 * MSEC - (int64_t)ns;
		if ((int)regs->r10 > 0)
			regs->r10 = left > 0 ? (uint64_t)((left + MSEC - 1) / MSEC) : 0;
		break;
	case SYS_epoll_pwait2:
	case SYS_semtimedop:
		if (!regs->r10 || stub_read(stub, regs->r10, &ts, sizeof(ts)) || ts.tv_sec > INT32_MAX)
			break;
		left = ts.tv_sec * NSEC + ts.tv_nsec - (int64_t)ns;
		ts.tv_sec = left > 0 ? left / NSEC : 0;
		ts.tv_nsec = left > 0 ? left % NSEC : 0;
		stub_write(stub, regs->r10, &ts, sizeof(ts));
		break;
	}
}
