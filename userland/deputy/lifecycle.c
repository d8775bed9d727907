/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node asks of a stub, one kind of request after the other: see lifecycle.h. */
#include "userland/deputy/lifecycle.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "proto/syscalls.h"
#include "userland/deputy/agent.h"
#include "userland/deputy/call.h"
#include "userland/deputy/cputime.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

/* Memory and thread registers are the node's affair; its memory is not here to be written to. */
#define CLONE_DROPPED                                                                  \
	(CLONE_VM | CLONE_VFORK | CLONE_SIGHAND | CLONE_SETTLS | CLONE_PARENT_SETTID | \
	 CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PIDFD | CLONE_UNTRACED | CLONE_PTRACE)

static void start(struct stub *stub, struct call *call, long nr, const uint64_t args[6])
{
	call->running = true;
	alarm_cancel(&stub->park);
	if (args && inject_prepare(stub, nr, args))
		return;
	stub->state = STUB_CALLING;
	stub_resume(stub, PTRACE_CONT, 0);
}

static bool is_exec(const struct call *call)
{
	return call->hdr.type == W_CALL &&
	       (call->head.nr == SYS_execve || call->head.nr == SYS_execveat ||
		call->head.nr == (11 | SYS_I386) || call->head.nr == (358 | SYS_I386));
}

static uint64_t tty_mask(const struct call *call)
{
	return (call->head.flags & WCALL_BLOCKS_TTIN ? UINT64_C(1) << (SIGTTIN - 1) : 0) |
	       (call->head.flags & WCALL_BLOCKS_TTOU ? UINT64_C(1) << (SIGTTOU - 1) : 0);
}

/*
 * The node says by rt_sigprocmask(2) which signals are to wait here from now on. The set is in its
 * argument; the stub itself makes the call, so that what is unblocked shows before it ends.
 */
static int begin_hold(struct stub *stub, struct call *call)
{
	int64_t at = agent_scratch(stub, sizeof(stub->held_mask));

	stub->held_mask = call->head.args[1] & SIGMASK_FROZEN;
	call->head.args[0] = SIG_SETMASK;
	call->head.args[1] = (uint64_t)at;
	call->head.args[2] = 0;
	call->head.args[3] = sizeof(stub->held_mask);
	return at < 0 ? (int)at : stub_write(stub, (uint64_t)at, &stub->held_mask, sizeof(stub->held_mask));
}

static void begin_call(struct stub *stub, struct call *call)
{
	if (call->head.nr == SYS_rt_sigprocmask && (call->head.nbufs || begin_hold(stub, call))) {
		call_reply(stub, call, -EFAULT);
		call_drop(stub, call);
		return;
	}
	if (is_exec(call)) {
		if (stub_set_sigmask(stub, SIGMASK_FROZEN))
			return;
		/*
		 * The program's mask, which the new one inherits, came as the last argument. SIGTRAP
		 * is our gadget's until the execve is through.
		 */
		stub->sigmask = call->head.args[5];
		call->head.args[5] = 0;
		signal_exec_begins(stub);
	}
	switch (call_begin(stub, call)) {
	case 0:
		if (call->head.flags)
			stub_set_sigmask(stub, stub->held_mask | tty_mask(call));
		if (is_exec(call)) {
			stub->process->execing = true;
			stub_set_sigmask(stub, stub->sigmask & SIGMASK_FROZEN);
		}
		start(stub, call, 0, NULL);
		break;
	case 1:
		break;
	default:
		/* The stub is dying, or its session: nothing more is to be done here. */
		call_drop(stub, call);
	}
}

/* What a thread is, whatever else the node does with it: its stack and registers are there. */
#define CLONE_STUB (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

static void begin_fork(struct stub *stub, struct call *call)
{
	struct wire_fork fork;
	uint64_t args[6] = { 0 };

	memcpy(&fork, call->bytes, sizeof(fork));
	if (!(fork.flags & CLONE_THREAD)) {
		args[0] = fork.flags & ~(uint64_t)CLONE_DROPPED & 0xffffffffu;
	} else if (process_threads(stub->process) < AGENT_SLOTS) {
		args[0] = CLONE_STUB;
	} else {
		call_reply(stub, call, -EAGAIN);
		call_drop(stub, call);
		return;
	}
	start(stub, call, SYS_clone, args);
}

/* A stop signal would undo a SIGCONT that is still to show, though it was the first of the two. */
static bool cont_pending(const struct stub *stub)
{
	static const char *const sets[] = { "\nSigPnd:", "\nShdPnd:" };
	unsigned long long pending = 0;
	char path[40], *status, *p;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/status", stub->pid);
	status = proc_read(path, &len);
	for (unsigned i = 0; status && i < 2; i++) {
		p = strstr(status, sets[i]);
		pending |= p ? strtoull(p + strlen(sets[i]), NULL, 16) : 0;
	}
	free(status);
	return pending >> (SIGCONT - 1) & 1;
}

/* The program stops by default action: the stub does, so that its parent sees it. */
static void begin_stopped(struct stub *stub, struct call *call)
{
	struct wire_stopped stop;
	uint64_t args[6] = { (uint64_t)stub->process->pid, (uint64_t)stub->pid };

	memcpy(&stop, call->bytes, sizeof(stop));
	if ((stop.signo != SIGTSTP && stop.signo != SIGTTIN && stop.signo != SIGTTOU &&
	     stop.signo != SIGSTOP) ||
	    signal_sent_since(stub->process, stop.signals, SIGCONT) || cont_pending(stub)) {
		/* It does not show if it is to be read from a signalfd(2). */
		if (process_held(stub->process) >> (SIGCONT - 1) & 1)
			session_send1(stub->process->session, W_CONT, 0,
				      (uint32_t)stub->process->pid, 0, NULL, 0);
		call_drop(stub, call);
		return;
	}
	/* Another thread than that of this stub took it. */
	if (stub->held_mask >> (stop.signo - 1) & 1)
		stub_set_sigmask(stub, stub->held_mask & ~(UINT64_C(1) << (stop.signo - 1)));
	args[2] = stop.signo;
	stub->raised = (int)stop.signo;
	stub->raised_void = false;
	start(stub, call, SYS_tgkill, args);
}

/* --- the end of the program --- */

/* The signal's default action, whatever was mirrored here: SIG_DFL is all zeros. */
static void set_default(struct stub *stub, int sig)
{
	static const struct wire_sigact none;
	int64_t at = agent_scratch(stub, sizeof(none));

	if (at > 0 && !stub_write(stub, (uint64_t)at, &none, sizeof(none)))
		inject_call(stub, SYS_rt_sigaction, sig, at, 0, 8);
}

static void begin_exit(struct stub *stub, struct call *call)
{
	static const struct rlimit no_core;
	struct wire_exit end;
	uint64_t args[6] = { 0 };
	int sig;

	memcpy(&end, call->bytes, sizeof(end));
	call_drop(stub, call);
	cputime_told(stub->process, end.utime_ns, end.stime_ns);
	stub->process->ended_by_node = true;
	alarm_cancel(&stub->park);
	image_forget(stub->process);
	sig = (int)end.signo;
	if (sig <= 0 || sig > 64) {
		args[0] = end.status & 0xff;
		stub->state = STUB_DYING;
		/* Whatever else would show now: nobody is left to be told. */
		stub_set_sigmask(stub, SIGMASK_FROZEN);
		if (!inject_prepare(stub, SYS_exit_group, args))
			stub_resume(stub, PTRACE_CONT, 0);
		return;
	}
	/* What would be dumped here is not the program's memory. */
	prlimit(stub->pid, RLIMIT_CORE, &no_core, NULL);
	if (sig != SIGKILL)
		set_default(stub, sig);
	/* Another thread than that of this stub died of it. */
	if (stub->held_mask)
		stub_set_sigmask(stub, 0);
	stub->state = STUB_DYING;
	stub_set_sigmask(stub, SIGMASK_FROZEN & ~(UINT64_C(1) << (sig - 1)));
	if (stub->dead)
		return;
	args[0] = (uint64_t)stub->process->pid;
	args[1] = (uint64_t)stub->pid;
	args[2] = (uint64_t)sig;
	stub->raised = sig;
	if (!inject_prepare(stub, SYS_tgkill, args))
		stub_resume(stub, PTRACE_CONT, 0);
}

void lifecycle_dying_stop(struct stub *stub, int sig)
{
	struct user_regs_struct regs;

	if (sig && sig == stub->raised) {
		stub->raised = 0;
		stub_resume(stub, PTRACE_CONT, sig);
		return;
	}
	/* Back in the trap and still alive: a signal that kills nobody. It was to die, so it does. */
	if (sig == SIGTRAP && !stub_get_regs(stub, &regs) && regs.rip == agent_trap(stub))
		kill(stub->process->pid, SIGKILL);
	else
		stub_resume(stub, PTRACE_CONT, 0);
}

/* Others go on; a leader stays visible until they have ended, too. */
static void begin_thread_exit(struct stub *stub, struct call *call)
{
	call_drop(stub, call);
	alarm_cancel(&stub->park);
	if (process_threads(stub->process) < 2) {
		session_fail(stub->process->session, "it ended the last thread of process %d",
			     stub->process->pid);
		return;
	}
	call_forget(stub);
	if (inject_exit(stub)) {
		kill(stub->process->pid, SIGKILL);
		return;
	}
	stub->state = STUB_DYING;
	stub_resume(stub, PTRACE_CONT, 0);
}

void lifecycle_begin(struct stub *stub, struct call *call)
{
	switch (call->hdr.type) {
	case W_CALL:
		begin_call(stub, call);
		break;
	case W_MMAP:
		call_mmap(stub, call);
		call_drop(stub, call);
		break;
	case W_PUT:
		shared_put_queued(stub, call);
		call_drop(stub, call);
		break;
	case W_FORK:
		begin_fork(stub, call);
		break;
	case W_STOPPED:
		begin_stopped(stub, call);
		break;
	case W_EXIT:
		begin_exit(stub, call);
		break;
	case W_THREAD_EXIT:
		begin_thread_exit(stub, call);
		break;
	}
}

void lifecycle_end(struct stub *stub, struct call *call, int64_t ret)
{
	struct wire_stopped stop;

	signal_show_again(stub);
	if (!call)
		return;
	switch (call->hdr.type) {
	case W_CALL:
		/* An execve that ends here has failed: the program goes on at the node. */
		stub->process->execing = false;
		if (is_exec(call))
			signal_exec_failed(stub);
		if (is_exec(call) || call->head.flags)
			stub_set_sigmask(stub, stub->held_mask);
		call_end(stub, call, ret);
		break;
	case W_FORK:
		call_reply(stub, call, ret);
		break;
	case W_STOPPED:
		/* An orphaned process group does not stop by these. If it did, SIGCONT has ended it. */
		memcpy(&stop, call->bytes, sizeof(stop));
		stub->raised = 0;
		stub_set_sigmask(stub, stub->held_mask);
		if (!signal_sent_since(stub->process, stop.signals, SIGCONT))
			session_send1(stub->process->session, W_CONT, 0,
				      (uint32_t)stub->process->pid, 0, NULL, 0);
		break;
	}
	call_drop(stub, call);
}
