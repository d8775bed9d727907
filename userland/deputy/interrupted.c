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

#include "userland/deputy/i386.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

#define NSEC 1000000000ll
#define MSEC 1000000ll

/*
 * Below the red zone, where nothing is kept over a system call. After a handler the call is not made
 * again; but one may come just before it is, so its frame should not reach there, either.
 */
static const unsigned scratch_below[] = { 4096, 512 };

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
		(ret == -EINTR && regs->orig_rax != (regs->cs == CS_32 ? 6 : SYS_close)));
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

static void shorten(struct stub *stub, const struct user_regs_struct *regs, unsigned long long *arg,
		    bool time32)
{
	struct timespec ts;
	int32_t half[2];
	int64_t left;

	if (!*arg || (time32 ? stub_read(stub, *arg, half, sizeof(half)) :
			       stub_read(stub, *arg, &ts, sizeof(ts))))
		return;
	if (time32)
		ts = (struct timespec){ half[0], half[1] };
	if (ts.tv_sec < 0 || ts.tv_sec > INT32_MAX)
		return;
	left = left_of(stub, ts.tv_sec * NSEC + ts.tv_nsec);
	ts.tv_sec = left / NSEC;
	ts.tv_nsec = left % NSEC;
	half[0] = (int32_t)ts.tv_sec;
	half[1] = (int32_t)ts.tv_nsec;
	for (unsigned i = 0; i < sizeof(scratch_below) / sizeof(scratch_below[0]); i++) {
		uint64_t at = (regs->rsp - scratch_below[i]) & ~15ull;

		if (time32 ? stub_write(stub, at, half, sizeof(half)) :
			     stub_write(stub, at, &ts, sizeof(ts)))
			continue;
		*arg = at;
		break;
	}
}

/* The same of an i386 program: its numbers, and times of 32 bits in the older ones. */
static void settle32(struct stub *stub, struct user_regs_struct *regs, uint64_t nr)
{
	enum { IPC = 117, NANOSLEEP = 162, POLL = 168, SIGTIMEDWAIT = 177, FUTEX = 240,
	       EPOLL_WAIT = 256, NANOSLEEP_ON = 267, EPOLL_PWAIT = 319, NANOSLEEP_64 = 407,
	       SEMTIMEDOP = 420, SIGTIMEDWAIT_64 = 421, FUTEX_64 = 422, EPOLL_PWAIT2 = 441 };
	enum { IPC_SEMTIMEDOP = 4 }; /* ipc(2) */

	switch (nr) {
	case IPC:
		if ((regs->rbx & 0xffff) == IPC_SEMTIMEDOP)
			shorten(stub, regs, &regs->rbp, true);
		break;
	case NANOSLEEP:
		shorten(stub, regs, &regs->rbx, true);
		break;
	case NANOSLEEP_ON:
	case NANOSLEEP_64:
		if (!(regs->rcx & TIMER_ABSTIME))
			shorten(stub, regs, &regs->rdx, nr == NANOSLEEP_ON);
		break;
	case FUTEX:
	case FUTEX_64:
		if ((regs->rcx & FUTEX_CMD_MASK) == FUTEX_WAIT)
			shorten(stub, regs, &regs->rsi, nr == FUTEX);
		break;
	case POLL:
		shorten_ms(stub, &regs->rdx);
		break;
	case EPOLL_WAIT:
	case EPOLL_PWAIT:
		shorten_ms(stub, &regs->rsi);
		break;
	case EPOLL_PWAIT2:
	case SEMTIMEDOP:
		shorten(stub, regs, &regs->rsi, false);
		break;
	case SIGTIMEDWAIT:
	case SIGTIMEDWAIT_64:
		shorten(stub, regs, &regs->rdx, nr == SIGTIMEDWAIT);
		break;
	}
}

void interrupted_settle(struct stub *stub, struct user_regs_struct *regs, uint64_t nr)
{
	int64_t ret = (int64_t)regs->rax;

	regs->orig_rax = nr;
	if (ret != -516 && ret != -EINTR)
		return;
	regs->rax = (uint64_t)-514; /* EINTR if a handler runs, else the call again */
	if (stub->process->i386) {
		settle32(stub, regs, nr);
		return;
	}
	switch (nr) {
	case SYS_nanosleep:
		shorten(stub, regs, &regs->rdi, false);
		break;
	case SYS_clock_nanosleep:
		if (!(regs->rsi & TIMER_ABSTIME))
			shorten(stub, regs, &regs->rdx, false);
		break;
	case SYS_futex:
		/* The others of futex(2) have absolute timeouts. */
		if ((regs->rsi & FUTEX_CMD_MASK) == FUTEX_WAIT)
			shorten(stub, regs, &regs->r10, false);
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
		shorten(stub, regs, &regs->r10, false);
		break;
	case SYS_rt_sigtimedwait:
		shorten(stub, regs, &regs->rdx, false);
		break;
	}
}

/* The same in a call of i386, where all have the time in the fourth argument, too. */
static uint64_t native_of(const struct stub *stub, uint64_t nr)
{
	if (!stub->i386_call)
		return nr;
	switch (nr) {
	case 256:
	case 319:
		return SYS_epoll_wait;
	case 420:
	case 441:
		return SYS_epoll_pwait2;
	}
	return UINT64_MAX;
}

void interrupted_waited(struct stub *stub, struct user_regs_struct *regs, uint64_t ns)
{
	unsigned long long *arg = stub->i386_call ? &regs->rsi : &regs->r10;
	struct timespec ts;
	int64_t left;

	switch (native_of(stub, regs->rax)) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		left = (int)*arg * MSEC - (int64_t)ns;
		if ((int)*arg > 0)
			*arg = left > 0 ? (uint64_t)((left + MSEC - 1) / MSEC) : 0;
		break;
	case SYS_epoll_pwait2:
	case SYS_semtimedop:
		if (!*arg || stub_read(stub, *arg, &ts, sizeof(ts)) || ts.tv_sec > INT32_MAX)
			break;
		left = ts.tv_sec * NSEC + ts.tv_nsec - (int64_t)ns;
		ts.tv_sec = left > 0 ? left / NSEC : 0;
		ts.tv_nsec = left > 0 ? left % NSEC : 0;
		stub_write(stub, *arg, &ts, sizeof(ts));
		break;
	}
}
