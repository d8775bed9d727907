/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls executed by a stopped stub: see inject.h. For the stops: ptrace(2), "Stopped states". */
#include "userland/deputy/inject.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "proto/syscalls.h"
#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"

int stub_get_regs(struct stub *stub, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, stub->pid, 0, regs) ? -errno : 0;
}

int stub_set_regs(struct stub *stub, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, stub->pid, 0, regs) ? -errno : 0;
}

int stub_get_sigmask(struct stub *stub, uint64_t *mask)
{
	return ptrace(PTRACE_GETSIGMASK, stub->pid, sizeof(*mask), mask) ? -errno : 0;
}

int stub_set_sigmask(struct stub *stub, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, stub->pid, sizeof(mask), &mask) ? -errno : 0;
}

/*
 * orig_rax is -1: or else Linux would take the number for that of an interrupted call and a result
 * of -512 and so on for a wish to restart it.
 */
static int prepare_at(struct stub *stub, uint64_t rip, long nr, const uint64_t args[6])
{
	struct user_regs_struct regs = stub->regs;

	regs.rax = (uint64_t)nr;
	regs.orig_rax = (uint64_t)-1;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (stub->process->i386)
		regs.cs = CS_64;
	if (sys_is_i386((uint64_t)nr))
		i386_call_regs(&regs, nr, args);
	regs.rip = rip;
	/* Neither single-stepping nor a string copy that runs backwards is the gadget's business. */
	regs.eflags &= ~0x500UL;
	return stub_set_regs(stub, &regs);
}

int inject_prepare(struct stub *stub, long nr, const uint64_t args[6])
{
	stub->i386_call = sys_is_i386((uint64_t)nr);
	return prepare_at(stub, agent_gadget(stub), nr, args);
}

/* Waits for the stub's next stop. Returns 0, or -ESRCH if it ended. */
static int next_stop(struct stub *stub, int *status)
{
	pid_t pid = trace_wait(stub, status);

	if (pid < 0 || !WIFSTOPPED(*status)) {
		trace_died(stub, pid < 0 ? SIGKILL : *status);
		return -ESRCH;
	}
	stub->stopped = true;
	return 0;
}

/* A fault of the gadget itself: repeating the instruction would repeat it for ever. */
static bool faulted(struct stub *stub, int sig, uint64_t rip)
{
	siginfo_t info;
	struct user_regs_struct regs;

	if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGTRAP)
		return false;
	if (ptrace(PTRACE_GETSIGINFO, stub->pid, 0, &info) || info.si_code <= 0)
		return false;
	return !stub_get_regs(stub, &regs) && regs.rip >= rip && regs.rip < rip + 3;
}

static long run(struct stub *stub, uint64_t rip, long nr, const uint64_t args[6])
{
	struct user_regs_struct regs;
	int status, sig;

	if (stub->dead)
		return -ESRCH;
	if (!stub->process->agent.base)
		return -EFAULT;
	stub->i386_call = sys_is_i386((uint64_t)nr);
	if (prepare_at(stub, rip, nr, args))
		goto killed;
	for (;;) {
		if (stub_resume(stub, PTRACE_CONT, 0))
			goto killed;
		if (next_stop(stub, &status))
			return -ESRCH;
		sig = WSTOPSIG(status);
		if (status >> 16)
			continue; /* an INTERRUPT sent before, or a group stop: unseen */
		if (sig == SIGTRAP && !stub_get_regs(stub, &regs) && regs.rip == agent_trap(stub))
			return (long)regs.rax;
		if (faulted(stub, sig, agent_gadget(stub)))
			return -EFAULT;
		signal_seen(stub, sig);
		signal_hold_off(stub, sig);
	}
killed:
	/* Killed, but not reaped yet: the wait tells. */
	while (!next_stop(stub, &status))
		stub_resume(stub, PTRACE_CONT, 0);
	return -ESRCH;
}

long inject_run(struct stub *stub, uint64_t rip, long nr, const uint64_t args[6])
{
	long ret = run(stub, rip, nr, args);

	if (ret != -ESRCH)
		signal_show_again(stub);
	return ret;
}

long inject_call6(struct stub *stub, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		  uint64_t e, uint64_t f)
{
	const uint64_t args[6] = { a, b, c, d, e, f };

	stub->i386_call = sys_is_i386((uint64_t)nr);
	return inject_run(stub, agent_gadget(stub), nr, args);
}

long inject_call_at(struct stub *stub, uint64_t gadget, long nr, const uint64_t args[6])
{
	struct user_regs_struct regs;
	int status, sig, syscall_stops = 0;

	if (stub->dead)
		return -ESRCH;
	if (prepare_at(stub, gadget, nr, args))
		goto killed;
	while (syscall_stops < 2) {
		if (stub_resume(stub, PTRACE_SYSCALL, 0))
			goto killed;
		if (next_stop(stub, &status))
			return -ESRCH;
		sig = WSTOPSIG(status);
		if (status >> 16)
			continue;
		if (sig == (SIGTRAP | 0x80)) {
			syscall_stops++;
			continue;
		}
		if (faulted(stub, sig, gadget))
			return -EFAULT;
		signal_seen(stub, sig);
	}
	if (stub_get_regs(stub, &regs))
		goto killed;
	return (long)regs.rax;
killed:
	while (!next_stop(stub, &status))
		stub_resume(stub, PTRACE_CONT, 0);
	return -ESRCH;
}

int inject_exit(struct stub *stub)
{
	static const uint64_t none[6];
	int status;

	/* What comes from now on is for the other threads. */
	if (stub_set_sigmask(stub, SIGMASK_FROZEN) ||
	    ptrace(PTRACE_SETOPTIONS, stub->pid, 0, (long)(TRACE_OPTIONS | PTRACE_O_TRACEEXIT)) ||
	    inject_prepare(stub, SYS_exit, none))
		return -ESRCH;
	do {
		if (stub_resume(stub, PTRACE_CONT, 0) || next_stop(stub, &status))
			return -ESRCH;
		if (status >> 16)
			continue;
		if (faulted(stub, WSTOPSIG(status), agent_gadget(stub)))
			return -EFAULT;
		if (WSTOPSIG(status) != SIGTRAP)
			signal_seen(stub, WSTOPSIG(status));
	} while (status >> 16 != PTRACE_EVENT_EXIT);
	return 0;
}
