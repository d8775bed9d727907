/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a ptrace stop at any point of a program to a state that can be moved, and back. */
#include "userland/deputy/freeze.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/interrupted.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"

#define STEPS_MAX 100000 /* the longest vDSO function is some hundred instructions */

/*
 * Which call it is that restart_syscall(2) goes on with: only Linux knows, and forgets when a call is
 * injected. But the arguments are still in their registers, and the number is where the C library
 * loads it: in the instruction before, mov $nr,%eax. UINT64_MAX if
 * it is loaded elsewhere.
 */
static uint64_t restarted_call(struct stub *stub, uint64_t rip)
{
	static const uint32_t with_timeout[] = { SYS_nanosleep, SYS_clock_nanosleep, SYS_futex,
						 SYS_poll };
	uint8_t code[7];
	uint32_t nr;

	if (stub_read(stub, rip - sizeof(code), code, sizeof(code)) || code[0] != 0xb8)
		return UINT64_MAX;
	memcpy(&nr, code + 1, sizeof(nr));
	for (unsigned i = 0; i < sizeof(with_timeout) / sizeof(with_timeout[0]); i++)
		if (nr == with_timeout[i])
			return nr;
	return UINT64_MAX;
}

/* -EBUSY: which call it is that was interrupted, cannot be told. */
static int settle_call(struct stub *stub, struct user_regs_struct *regs)
{
	uint64_t nr = regs->orig_rax;

	if (!interrupted_call(regs)) {
		regs->orig_rax = (uint64_t)-1;
		return 0;
	}
	if (stub->process->i386 && nr == 0)
		nr = i386_restarted_call(stub);
	else if (!stub->process->i386 && nr == SYS_restart_syscall)
		nr = restarted_call(stub, regs->rip);
	if (nr == UINT64_MAX)
		return -EBUSY;
	interrupted_settle(stub, regs, nr);
	return 0;
}

/* The call that the stop has interrupted is made again, from its instruction on. */
static int restart_call(struct stub *stub, struct user_regs_struct *regs)
{
	int err = settle_call(stub, regs);

	if (!err && regs->orig_rax != (uint64_t)-1) {
		regs->rip -= 2;
		regs->rax = regs->orig_rax;
		regs->orig_rax = (uint64_t)-1;
	}
	return err;
}

static int step(struct stub *stub)
{
	int status;

	do {
		if (stub_resume(stub, PTRACE_SINGLESTEP, 0))
			return -ESRCH;
		if (trace_wait(stub, &status) < 0)
			return -ESRCH;
		if (!WIFSTOPPED(status)) {
			trace_died(stub, status);
			return -ESRCH;
		}
		stub->stopped = true;
		if (!(status >> 16) && WSTOPSIG(status) != SIGTRAP)
			signal_seen(stub, WSTOPSIG(status));
	} while (status >> 16 || WSTOPSIG(status) != SIGTRAP);
	return 0;
}

/* The vDSO reads pages that exist only here: a process may not leave from within it. */
static int leave_vdso(struct stub *stub, const struct vdso_range *vdso)
{
	int err = 0;

	for (int i = 0; i < STEPS_MAX; i++) {
		if (i)
			err = stub_get_regs(stub, &stub->regs);
		if (err)
			return err;
		if (stub->regs.rip < vdso->start || stub->regs.rip >= vdso->end ||
		    i386_may_leave_vdso(stub, vdso->start))
			return 0;
		/* A clock that falls back to the system call is interrupted in here, too. */
		err = restart_call(stub, &stub->regs);
		if (!err)
			err = stub_set_regs(stub, &stub->regs);
		if (!err)
			err = step(stub);
		if (err)
			return err;
	}
	return -ELOOP;
}

/*
 * Before it is resumed, not after: a call that the interrupt has ended must not get back to the
 * program, which would see an EINTR that is not for it.
 */
void freeze_insist(struct stub *stub)
{
	if (stub->state == STUB_FREEZING)
		ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
}

/* It stops being a thread that runs: its state is noted, and Linux is to have nothing more to say. */
static int settle(struct stub *stub, const struct vdso_range *vdso)
{
	int err = stub_get_regs(stub, &stub->regs);

	if (!err)
		err = stub_get_sigmask(stub, &stub->sigmask);
	if (!err)
		err = stub_set_sigmask(stub, SIGMASK_FROZEN);
	if (!err)
		err = i386_recognise(stub);
	if (!err)
		err = leave_vdso(stub, vdso);
	if (!err)
		err = settle_call(stub, &stub->regs);
	if (!err)
		image_settle(stub);
	return err;
}

/* The same for all threads, and long to look up when there are many; empty if there is none. */
static void find_vdso(struct process *process, struct vdso_range *vdso)
{
	struct stub *stub = process_stub(process);

	*vdso = (struct vdso_range){ 0, 0 };
	if (!stub)
		return;
	stub_vdso(stub, vdso);
	i386_recognise_program(stub, vdso);
}

int freeze_prepare(struct process *process, struct wire_text *why)
{
	struct vdso_range vdso;
	struct stub *stub;
	int err = 0;

	find_vdso(process, &vdso);
	/* All of them, whatever there is against one: freeze_undo() lets all go on from there. */
	for_each_thread(stub, process) {
		int bad = stub_ends(stub) ? 0 : settle(stub, &vdso);

		err = err ? err : bad;
	}
	stub = process_stub(process);
	if (!stub || err == -ESRCH)
		wire_text_set(why, WHY_STATE, "it has ended");
	else if (err == -ENOEXEC)
		wire_text_set(why, WHY_STATE, "it is a 32-bit program");
	else if (err)
		wire_text_set(why, WHY_STATE,
			      "it does not come to a point where it can be moved");
	if (!stub)
		return -ESRCH;
	/* Before anything is executed in it: under a seccomp filter that may be its death. */
	if (!err)
		err = image_fits(stub, why);
	return err ? err : agent_map(stub, why);
}

static void let_go(struct stub *stub)
{
	stub_set_regs(stub, &stub->regs);
	stub_set_sigmask(stub, stub->sigmask);
}

void freeze_undo(struct process *process)
{
	struct stub *stub;

	if (process->agent.base) {
		signal_flush_home(process);
		agent_unmap(process);
	}
	for_each_thread(stub, process)
		if (!stub_ends(stub))
			let_go(stub);
	signal_flush_outside(process);
	for_each_thread(stub, process) {
		if (stub_ends(stub))
			continue;
		/* Linux sees to an interrupted call where it looks for signals, and only there. */
		if (stub->regs.orig_rax != (uint64_t)-1)
			ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
		trace_run_native(stub);
	}
}

void freeze_cancel(struct process *process)
{
	struct vdso_range vdso;
	struct stub *stub;

	find_vdso(process, &vdso);
	for_each_thread(stub, process)
		if (stub->state == STUB_LEAVING && !stub->dead)
			settle(stub, &vdso);
	for_each_thread(stub, process) {
		if (stub->dead)
			continue;
		if (stub->state == STUB_FREEZING)
			stub->state = STUB_NATIVE;
		if (stub->state != STUB_LEAVING)
			continue;
		let_go(stub);
		if (stub->regs.orig_rax != (uint64_t)-1)
			ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
		trace_run_native(stub);
	}
	signal_flush_outside(process);
}
