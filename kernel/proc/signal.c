/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sending signals, and what the current thread wants to know of them. Delivery is in deliver.c. */
#include "kernel/proc/signal.h"

#include <errno.h>
#include <string.h>

#include "kernel/kprintf.h"

bool signal_ignored_locked(const struct proc *proc, int signo)
{
	uint64_t handler = proc->sigact[signo - 1].handler;

	return handler == LSIG_IGN || (handler == LSIG_DFL && (SIGBIT(signo) & SIGS_IGNORED));
}

/* SIGCONT and the stop signals cancel each other when they are sent, not when delivered. */
static void cancel_opposites(struct proc *proc, int signo)
{
	uint64_t gone = 0;
	struct uthread *u;

	if (signo == LSIG_CONT) {
		gone = SIGS_STOP;
		proc->stopped = false;
		proc->stop_taken = false;
		waitq_wake_all(&proc->stop_wq);
	} else if (SIGBIT(signo) & SIGS_STOP) {
		gone = SIGBIT(LSIG_CONT);
	}
	if (!gone)
		return;
	sigpend_flush(&proc->pending, gone);
	list_for_each_entry(u, &proc->threads, link)
		sigpend_flush(&u->pending, gone);
}

static bool thread_cares(const struct uthread *u, int signo)
{
	return !u->exits && (!(u->sigmask & SIGBIT(signo)) || (u->waits_for & SIGBIT(signo)));
}

static int send_locked(struct proc *proc, struct uthread *only, const struct siginfo *info)
{
	int signo = info->signo, err;
	struct uthread *u, *target = only;

	cancel_opposites(proc, signo);
	if (!target) {
		list_for_each_entry(u, &proc->threads, link)
			if (!target || (!thread_cares(target, signo) && thread_cares(u, signo)))
				target = u;
	}
	if (!target || (signal_ignored_locked(proc, signo) && !(target->sigmask & SIGBIT(signo))))
		return 0;
	err = sigpend_add(only ? &only->pending : &proc->pending, info, false, false);
	if (thread_cares(target, signo))
		thread_set_work(target->thread, THREAD_WORK_SIGNAL);
	else if (proc->sfd_mask & SIGBIT(signo))
		proc_recall_locked(proc, WHY_STATE, "a signal to be read from a signalfd came here");
	return err;
}

int signal_send(struct proc *proc, struct uthread *only, const struct siginfo *info)
{
	int err;

	spin_lock(&proc->lock);
	err = send_locked(proc, only, info);
	spin_unlock(&proc->lock);
	return err;
}

void retarget_signals_locked(struct proc *proc, const struct uthread *except, uint64_t set)
{
	for (set &= proc->pending.set; set; set &= set - 1) {
		int signo = __builtin_ctzll(set) + 1;
		struct uthread *u;

		list_for_each_entry(u, &proc->threads, link)
			if (u != except && thread_cares(u, signo)) {
				thread_set_work(u->thread, THREAD_WORK_SIGNAL);
				break;
			}
	}
}

static struct uthread *find_thread_locked(struct proc *proc, uint32_t tid)
{
	struct uthread *u;

	list_for_each_entry(u, &proc->threads, link)
		if (u->tid == tid)
			return u;
	return NULL;
}

bool proc_has_thread(struct proc *proc, uint32_t tid)
{
	bool has;

	spin_lock(&proc->lock);
	has = find_thread_locked(proc, tid);
	spin_unlock(&proc->lock);
	return has;
}

bool proc_had_thread(struct proc *proc, uint32_t tid)
{
	bool had = false;

	spin_lock(&proc->lock);
	for (unsigned i = 0; i < ENDED_TIDS && i < proc->nended; i++)
		had |= proc->ended[i] == tid;
	spin_unlock(&proc->lock);
	return had;
}

int signal_send_to(struct proc *proc, uint32_t tid, const struct siginfo *info)
{
	struct uthread *u;
	int err = -ESRCH;

	spin_lock(&proc->lock);
	u = find_thread_locked(proc, tid);
	if (u)
		err = send_locked(proc, u, info);
	spin_unlock(&proc->lock);
	return err;
}

void proc_signal(struct proc *proc, uint32_t tid, const struct wire_signal *sig)
{
	struct siginfo info;
	int err;

	if (!signo_valid(sig->signo))
		return;
	memcpy(&info, sig->info, sizeof(info));
	info.signo = sig->signo;
	/* One for a thread that has ended is lost with it. */
	err = sig->to_process ? signal_send(proc, NULL, &info) : signal_send_to(proc, tid, &info);
	if (err == -EAGAIN)
		kprintf("proc: no memory for a signal to %s (%u)\n", proc->comm, proc->pid);
}

static bool pending_locked(struct proc *proc, struct uthread *u)
{
	uint64_t ready = (u->pending.set | proc->pending.set) & ~u->sigmask;

	while (ready) {
		int signo = __builtin_ctzll(ready) + 1;

		if (!signal_ignored_locked(proc, signo))
			return true;
		ready &= ready - 1;
	}
	return false;
}

bool signal_pending(struct thread *t)
{
	bool pending;

	spin_lock(&t->proc->lock);
	pending = pending_locked(t->proc, uthread_of(t));
	spin_unlock(&t->proc->lock);
	return pending;
}

bool proc_recall_due(const struct proc *proc)
{
	return __atomic_load_n(&proc->recalled, __ATOMIC_ACQUIRE) &&
	       ((!proc->shares_mm && (!proc->nvforks || proc->gate_called)) ||
		current_user->retreating);
}

bool signal_wakes(struct thread *t)
{
	return proc_ending(t->proc) || proc_recall_due(t->proc) || signal_pending(t);
}

void signal_force(int signo, int code, uint64_t addr, bool again)
{
	struct proc *proc = current->proc;
	struct uthread *u = current_user;
	struct siginfo info = { .signo = signo, .code = code };
	struct wire_sigact *act = &proc->sigact[signo - 1];

	info.fault.addr = addr;
	spin_lock(&proc->lock);
	if ((u->sigmask & SIGBIT(signo)) || act->handler == LSIG_IGN) {
		act->handler = LSIG_DFL;
		u->sigmask &= ~SIGBIT(signo);
	}
	sigpend_add(&u->pending, &info, again, true);
	spin_unlock(&proc->lock);
	thread_set_work(current, THREAD_WORK_SIGNAL);
}

static void set_mask(uint64_t mask)
{
	struct proc *proc = current->proc;
	bool pending;

	spin_lock(&proc->lock);
	/* What this thread was woken for, and no longer wants, another one may take. */
	retarget_signals_locked(proc, current_user, mask & ~current_user->sigmask);
	current_user->sigmask = mask;
	pending = pending_locked(proc, current_user);
	spin_unlock(&proc->lock);
	if (pending)
		thread_set_work(current, THREAD_WORK_SIGNAL);
}

/* Takes a signal of `set`, which the current thread blocks, off a queue where nobody else takes it. */
static bool take_stranded(uint64_t set, struct siginfo *info, bool *to_process)
{
	struct proc *proc = current->proc;
	struct sigpend *from = &current_user->pending;
	struct sigentry e;
	struct uthread *u;
	int signo;

	spin_lock(&proc->lock);
	signo = sigpend_next(from, ~set);
	*to_process = !signo;
	if (!signo) {
		from = &proc->pending;
		list_for_each_entry(u, &proc->threads, link)
			set &= u->exits ? ~0ull : u->sigmask;
		signo = sigpend_next(from, ~set);
	}
	if (signo) {
		sigpend_take(from, signo, &e);
		*info = e.info;
	}
	spin_unlock(&proc->lock);
	return signo;
}

/* Signals that came here just before home was told to keep them there. */
static void send_stranded(uint64_t set)
{
	struct proc *proc = current->proc;
	struct siginfo info;
	bool to_process;

	/* SIGTRAP comes back at once, and recalls it: home cannot keep that blocked. */
	while (!proc->recalled && take_stranded(set, &info, &to_process)) {
		if (signal_send_at_home(&info, to_process))
			continue;
		spin_lock(&proc->lock);
		sigpend_add(to_process ? &proc->pending : &current_user->pending, &info, false, true);
		spin_unlock(&proc->lock);
		return;
	}
}

void signal_set_mask(uint64_t mask)
{
	uint64_t old = current_user->sigmask, watched = current->proc->sfd_mask;

	mask &= ~SIGS_KILL_STOP;
	if ((old ^ mask) & watched) {
		/* First: what home lets through is wanted here, as it comes. */
		set_mask(old & mask);
		signal_block_at_home(mask & watched);
	}
	set_mask(mask);
	if (mask & ~old & watched)
		send_stranded(mask & ~old & watched);
}

bool signal_watch(uint64_t set)
{
	struct proc *proc = current->proc;
	uint64_t mask = current_user->sigmask;
	bool alone;

	set &= ~SIGS_KILL_STOP;
	if (!(set & ~proc->sfd_mask))
		return true;
	spin_lock(&proc->lock);
	alone = proc->nthreads == 1;
	spin_unlock(&proc->lock);
	if (!alone)
		return false;
	signal_block_at_home(mask & (set | proc->sfd_mask));
	spin_lock(&proc->lock);
	proc->sfd_mask |= set;
	spin_unlock(&proc->lock);
	send_stranded(mask & set);
	return true;
}

void signal_set_temporary_mask(uint64_t mask)
{
	struct uthread *u = current_user;

	u->saved_mask = u->sigmask;
	u->restore_mask = true;
	signal_set_mask(mask);
	/* The mask is put back on the way to user mode, which must therefore pass our work. */
	thread_set_work(current, PROC_WORK_RESTART);
}

void signal_set_action(struct proc *proc, int signo, const struct wire_sigact *act)
{
	struct uthread *u;

	spin_lock(&proc->lock);
	proc->sigact[signo - 1] = *act;
	if (signal_ignored_locked(proc, signo)) {
		sigpend_flush(&proc->pending, SIGBIT(signo));
		list_for_each_entry(u, &proc->threads, link)
			sigpend_flush(&u->pending, SIGBIT(signo));
	}
	spin_unlock(&proc->lock);
}

int signal_take(uint64_t set, struct siginfo *info)
{
	struct proc *proc = current->proc;
	struct sigpend *from = &current_user->pending;
	struct sigentry e;
	int signo;

	spin_lock(&proc->lock);
	signo = sigpend_next(from, ~set);
	if (!signo) {
		from = &proc->pending;
		signo = sigpend_next(from, ~set);
	}
	if (signo) {
		sigpend_take(from, signo, &e);
		overrun_note_locked(proc, &e.info);
		*info = e.info;
	}
	/* In one step: what comes for the process from now on looks for somebody else. */
	current_user->waits_for = 0;
	spin_unlock(&proc->lock);
	return signo;
}

bool signal_woke_in_vain(void)
{
	if (thread_work(current) & THREAD_WORK_STOP || signal_wakes(current))
		return false;
	/* Somebody else took it. Looked at once more after the bit is gone: it may come again. */
	thread_clear_work(current, THREAD_WORK_SIGNAL);
	return !signal_wakes(current);
}

uint64_t signal_pending_set(void)
{
	uint64_t set;

	spin_lock(&current->proc->lock);
	set = current_user->pending.set | current->proc->pending.set;
	spin_unlock(&current->proc->lock);
	return set;
}

/* --- for the way home ------------------------------------------------------------------------- */

static int export_queue(const struct sigpend *p, bool to_process,
			int (*fn)(void *arg, const struct wire_signal *sig), void *arg)
{
	uint64_t seen = 0, bare;
	struct sigentry *e;
	int err;

	list_for_each_entry(e, &p->queue, link) {
		struct wire_signal sig = { .signo = e->info.signo, .to_process = to_process };

		memcpy(sig.info, &e->info, sizeof(sig.info));
		seen |= SIGBIT(e->info.signo);
		/* Its instruction raises it again, and says more than a signal can. */
		if (e->fault)
			continue;
		err = fn(arg, &sig);
		if (err)
			return err;
	}
	/* Those for which there was no memory. */
	for (bare = p->set & ~seen; bare; bare &= bare - 1) {
		struct wire_signal sig = { .signo = __builtin_ctzll(bare) + 1,
					   .to_process = to_process };
		struct siginfo info = { .signo = sig.signo };

		memcpy(sig.info, &info, sizeof(sig.info));
		err = fn(arg, &sig);
		if (err)
			return err;
	}
	return 0;
}

int proc_export_signals(struct proc *proc, struct uthread *u,
			int (*fn)(void *arg, const struct wire_signal *sig), void *arg)
{
	int err;

	spin_lock(&proc->lock);
	err = export_queue(u ? &u->pending : &proc->pending, !u, fn, arg);
	spin_unlock(&proc->lock);
	return err;
}
