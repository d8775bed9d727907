/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back to user mode: ending, stopping, delivering signals, restarting calls, going home.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/compat.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/guest/guest.h"
#include "kernel/kprintf.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/cpulimit.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/restart.h"
#include "kernel/proc/signal.h"
#include "proto/syscalls.h"

#define NR_NANOSLEEP	   35
#define FUTEX_COMMAND	   0x7f
#define FUTEX_WAIT	   0
#define NR_RESTART_SYSCALL 219
#define NR_RESTART_SYSCALL32 0
#define SYSCALL_INSN_LEN   2

/* --- interrupted calls ------------------------------------------------------------------------ */

void restart_forget(struct trapframe *tf)
{
	tf->vector = TRAP_NONE;
}

static void restart_apply(struct trapframe *tf, enum restart_action action)
{
	switch (action) {
	case RESTART_NOT:
		return;
	case RESTART_EINTR:
		tf->rax = -EINTR;
		break;
	case RESTART_AGAIN:
		tf->rax = tf->error & ~(uint64_t)SYS_I386;
		tf->rip -= SYSCALL_INSN_LEN;
		break;
	case RESTART_GO_ON:
		tf->rax = tf->vector == TRAP_SYSCALL32 ? NR_RESTART_SYSCALL32 : NR_RESTART_SYSCALL;
		tf->rip -= SYSCALL_INSN_LEN;
		break;
	}
	restart_forget(tf);
}

static bool ends_call(const struct trapframe *tf)
{
	return trap_is_syscall(tf);
}

/* The frame of a handler that runs before the call is made again should not reach it. */
#define SCRATCH_BELOW	  4096
#define SCRATCH_BELOW_MIN 512 /* beyond the red zone, where the stack ends soon */
#define SCRATCH_LEN	  16

uint64_t restart_scratch(const struct trapframe *tf)
{
	uint64_t at = (tf->rsp - SCRATCH_BELOW) & ~15ull;

	return user_writable_prefix(at, SCRATCH_LEN) == SCRATCH_LEN ?
		       at :
		       (tf->rsp - SCRATCH_BELOW_MIN) & ~15ull;
}

/*
 * A call that was interrupted here goes on at home as if home had interrupted it: with its number
 * and one of the restart codes in the registers, so that a handler that runs before it ends it with
 * EINTR. Home knows nothing of how far it had come, so where only the time that is left is to be
 * waited, the argument that says how long is changed. A program cannot see it, but for one written
 * in assembler that looks at its argument register after the call.
 */
static void restart_elsewhere(struct trapframe *tf)
{
	const struct uthread *u = current_user;
	const struct mm *mm = current->mm;
	uint64_t now = clock_now_ns(), left = 1;
	uint64_t ts[2], at, *arg = NULL;

	if (!ends_call(tf) || !restart_code(tf->rax))
		return;
	/* The node's copy of the vDSO has system calls where home's has none. */
	if (mm->vdso_len && tf->rip - mm->vdso < mm->vdso_len && tf->rip != mm->vdso_landing) {
		restart_apply(tf, RESTART_AGAIN);
		return;
	}
	if ((int64_t)tf->rax != -ERESTART_RESTARTBLOCK_)
		return;
	tf->rax = -ERESTARTNOHAND_;
	tf->error = u->restart_nr;
	if (u->restart.deadline_ns == WAIT_FOREVER)
		return;
	if (u->restart.deadline_ns > now)
		left = u->restart.deadline_ns - now;
	if (tf->vector == TRAP_SYSCALL32) {
		restart_elsewhere32(tf, left);
		return;
	}
	switch (u->restart.kind) {
	case RESTART_SLEEP:
		arg = u->restart_nr == NR_NANOSLEEP ? &tf->rdi : &tf->rdx;
		break;
	case RESTART_FUTEX:
		/* The others of futex(2) have absolute timeouts. */
		if ((tf->rsi & FUTEX_COMMAND) == FUTEX_WAIT)
			arg = &tf->r10;
		break;
	case RESTART_POLL:
		tf->rdx = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		break;
	case RESTART_EPOLL:
		tf->r10 = (left + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
		break;
	case RESTART_TIMESPEC:
		arg = &tf->r10;
		break;
	default:
		break;
	}
	if (!arg)
		return;
	at = restart_scratch(tf);
	ts[0] = left / NSEC_PER_SEC;
	ts[1] = left % NSEC_PER_SEC;
	if (!copy_to_user(at, ts, sizeof(ts)))
		*arg = at;
}

void restart_resolve(struct trapframe *tf)
{
	if (ends_call(tf))
		restart_apply(tf, restart_decide(tf->rax, false, false));
}

/*
 * Makes the call again from here, where there is no way for a handler to come in between: it would run
 * while the page of the call's instruction comes from home, and overwrite what restart_elsewhere() has
 * left below the stack. False: there is none to make again, or only by its instruction.
 */
static bool call_again(struct trapframe *tf)
{
	enum restart_action action = RESTART_NOT;

	if (ends_call(tf) && !current_user->restore_mask)
		action = restart_decide(tf->rax, false, false);
	if (action != RESTART_AGAIN && action != RESTART_GO_ON)
		return false;
	if (action == RESTART_GO_ON)
		tf->error = tf->vector == TRAP_SYSCALL32 ? SYS_I386 | NR_RESTART_SYSCALL32 :
							   NR_RESTART_SYSCALL;
	syscall_dispatch(tf);
	return true;
}

/* --- signals ---------------------------------------------------------------------------------- */

/* The next signal to act on, with its action as it was; 0: none. SA_RESETHAND is served here. */
static int next_signal(struct sigentry *e, struct wire_sigact *act, bool *reset)
{
	struct proc *proc = current->proc;
	struct uthread *u = current_user;
	struct sigpend *from = &u->pending;
	int signo;

	*reset = false;
	spin_lock(&proc->lock);
	signo = sigpend_next(from, u->sigmask);
	if (!signo) {
		from = &proc->pending;
		signo = sigpend_next(from, u->sigmask);
	}
	if (signo) {
		sigpend_take(from, signo, e);
		overrun_note_locked(proc, &e->info);
		*act = proc->sigact[signo - 1];
		if (SIGBIT(signo) & SIGS_STOP)
			proc->stop_taken = true;
		if (act->handler != LSIG_DFL && act->handler != LSIG_IGN &&
		    (act->flags & LSA_RESETHAND)) {
			proc->sigact[signo - 1].handler = LSIG_DFL;
			*reset = true;
		}
	}
	spin_unlock(&proc->lock);
	return signo;
}

/* Home keeps its own table in step, for the day the process returns. */
static void replay_action(int signo)
{
	struct wire_sigact act = current->proc->sigact[signo - 1];

	signal_action_replay(signo, &act);
}

static void run_handler(struct trapframe *tf, const struct sigentry *e,
			const struct wire_sigact *act)
{
	struct uthread *u = current_user;
	uint64_t saved = u->restore_mask ? u->saved_mask : u->sigmask;
	int signo = e->info.signo;

	if (ends_call(tf)) {
		restart_apply(tf, restart_decide(tf->rax, true, act->flags & LSA_RESTART));
		restart_forget(tf);
	}
	rseq_signal(tf);
	vdso_leave(tf);
	if ((current->proc->i386 ? sigframe32_push : sigframe_push)(tf, e, act, saved)) {
		/*
		 * No way to tell the program but the signal for it; not to a handler that just
		 * failed.
		 */
		if (signo == LSIG_SEGV)
			current->proc->sigact[LSIG_SEGV - 1].handler = LSIG_DFL;
		signal_force(LSIG_SEGV, LSI_KERNEL, 0, false);
		return;
	}
	u->restore_mask = false;
	signal_set_mask(u->sigmask | act->mask | (act->flags & LSA_NODEFER ? 0 : SIGBIT(signo)));
}

static void die_of(const struct sigentry *e)
{
	struct proc *proc = current->proc;
	int signo = e->info.signo;

	if (!(SIGBIT(signo) & SIGS_CORE) || !proc->rlim[RLIMIT_CORE_NR][0]) {
		proc_exit(proc, signo, 0);
		return;
	}
	/* Only home can write the core. Where repeating the instruction raises it again, let it. */
	if (!e->fault) {
		spin_lock(&proc->lock);
		sigpend_add(&current_user->pending, &e->info, false, true);
		spin_unlock(&proc->lock);
	}
	retreat(WHY_FAULT, "dumps core for signal %d", signo);
}

/* Acts on all pending signals. False: it is time to look at the process's flags again. */
static bool deliver(struct trapframe *tf)
{
	struct wire_sigact act;
	struct sigentry e;
	bool reset;
	int signo;

	while ((signo = next_signal(&e, &act, &reset)) != 0) {
		uint64_t bit = SIGBIT(signo);

		if (reset)
			replay_action(signo);
		if (bit & SIGS_KILL_STOP)
			act.handler = LSIG_DFL;
		if (act.handler == LSIG_IGN || (act.handler == LSIG_DFL && (bit & SIGS_IGNORED)))
			continue;
		if (act.handler != LSIG_DFL) {
			run_handler(tf, &e, &act);
			continue;
		}
		if (bit & SIGS_STOP)
			guest_stopped(current->proc, signo);
		else
			die_of(&e);
		return false;
	}
	return true;
}

/* --- home ------------------------------------------------------------------------------------- */

/*
 * A child of vfork that cannot stay takes a copy of the memory home; its parent goes on here, as if
 * the child had done execve: what the child writes from now on, the parent does not see.
 */
static int split_memory(struct proc *proc)
{
	struct mm *old = proc->mm, *copy;
	int err;

	mutex_lock(&old->map_lock);
	err = mm_fork(old, &copy);
	mutex_unlock(&old->map_lock);
	if (err)
		return err;
	spin_lock(&proc->lock);
	proc->mm = copy;
	proc->shares_mm = false;
	spin_unlock(&proc->lock);
	current->mm = copy;
	irq_disable();
	mm_activate(copy);
	irq_enable();
	guest_mm_split(proc);
	mm_put(old);
	return 0;
}

/*
 * All threads go home together. Each parks with its state in memory, where the one that finds all
 * parked reads it; nobody leaves while that one is at it. Returns the error, or does not return: the
 * process has left.
 */
static int leave_together(struct trapframe *tf)
{
	struct proc *proc = current->proc;
	int err = -EAGAIN;

	vdso_leave(tf);
	thread_state_save();
	spin_lock(&proc->lock);
	proc->nparked++;
	waitq_wake_all(&proc->stop_wq);
	guest_gate_look(proc->session);
	while (proc->moving || (!proc->left && proc->recalled && !proc_ending(proc))) {
		/* A thread may be born, or end, while others wait: counted anew each time. */
		if (!proc->moving && proc->nparked == proc->nthreads) {
			proc->moving = true;
			spin_unlock(&proc->lock);
			err = guest_go_home();
			spin_lock(&proc->lock);
			proc->moving = false;
			proc->left = !err;
			proc->recalled = !err;
			waitq_wake_all(&proc->stop_wq);
			break;
		}
		spin_unlock(&proc->lock);
		wait_event(&proc->stop_wq,
			   !proc->moving &&
				   (proc->left || !proc->recalled || proc_ending(proc) ||
				    proc->nparked == proc->nthreads));
		spin_lock(&proc->lock);
	}
	proc->nparked--;
	spin_unlock(&proc->lock);
	if (proc->left)
		proc_thread_gone();
	return err;
}

static void go_home(struct trapframe *tf)
{
	struct proc *proc = current->proc;
	struct uthread *u = current_user;
	int err = 0;

	rseq_signal(tf);
	if (proc->shares_mm)
		err = split_memory(proc);
	if (!err) {
		err = leave_together(tf);
	} else {
		spin_lock(&proc->lock);
		proc->recalled = false;
		spin_unlock(&proc->lock);
	}
	if (u->retreating && !proc_ending(proc)) {
		/*
		 * Home is full, or busy, and there is nobody else who could serve it: the same
		 * thing is tried again when the program repeats it.
		 */
		trace("%s (%u): home does not take it back: %d", proc->comm, proc->pid, err);
		wait_event_timeout(&proc->stop_wq, proc_ending(proc),
				   clock_now_ns() + NSEC_PER_SEC);
	}
	u->retreating = false;
}

void return_to_user_work(struct trapframe *tf)
{
	struct proc *proc = current->proc;
	struct uthread *u = current_user;

	irq_enable();
	if (u->set_tid) {
		put_user32(u->set_tid, u->tid);
		u->set_tid = 0;
	}
	if (u->tls_changed)
		compat_replay_tls();
	for (;;) {
		bool due;

		thread_clear_work(current, ~0u);
		if (proc_ending(proc) || u->exits)
			proc_thread_gone();
		cpulimit_check();
		due = proc_recall_due(proc);
		if (proc->stopped && !due) {
			wait_event(&proc->stop_wq,
				   !proc->stopped || proc_ending(proc) || proc_recall_due(proc));
			continue;
		}
		/*
		 * Who is stopped, or cannot go on here, goes home as it is; its signals act there.
		 */
		if (!proc->stopped && !u->retreating && !deliver(tf))
			continue;
		if (due)
			restart_elsewhere(tf);
		else if (call_again(tf))
			continue;
		else
			restart_resolve(tf);
		if (u->restore_mask) {
			u->restore_mask = false;
			signal_set_mask(u->saved_mask);
			continue;
		}
		if (!due)
			break;
		go_home(tf);
	}
	rseq_update(tf);
}
