/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest processes: how they begin, how they are told things, and how they end. */
#include "kernel/proc/proc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/cpu/fpu.h"
#include "kernel/guest/guest.h"
#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/cpulimit.h"
#include "kernel/proc/futex.h"
#include "kernel/proc/signal.h"
#include "kernel/proc/vcpu.h"

__attribute__((weak)) int guest_proc_added(struct proc *child, struct proc *parent)
{
	(void)child;
	(void)parent;
	return 0;
}

__attribute__((weak)) void guest_mm_split(struct proc *proc)
{
	(void)proc;
}

__attribute__((weak)) void guest_proc_gone(struct proc *proc)
{
	(void)proc;
}

/* --- birth ------------------------------------------------------------------------------------ */

static struct proc *proc_alloc(void)
{
	struct proc *proc = kzalloc(sizeof(*proc));

	if (!proc)
		return NULL;
	proc->refs = 1;
	spin_init(&proc->lock);
	list_init(&proc->threads);
	sigpend_init(&proc->pending);
	waitq_init(&proc->stop_wq);
	waitq_init(&proc->vfork_wq);
	return proc;
}

struct proc *proc_create(struct session *session, const struct wire_image *image)
{
	struct proc *proc = proc_alloc();
	struct mm *mm = mm_create();

	if (!proc || !mm) {
		if (mm)
			mm_put(mm);
		kfree(proc);
		return NULL;
	}
	mm->brk_start = image->brk_start;
	mm->brk = image->brk;
	if (image->mmap_top && image->mmap_top <= USER_END)
		mm->mmap_top = PAGE_ALIGN_DOWN(image->mmap_top);
	mm->vdso = image->vdso;
	mm->vdso_len = image->vdso_len;
	if (image->flags & IMG_I386) {
		mm->end = MM_END_I386;
		mm->vdso_landing = image->vdso_landing;
		mm->vdso_sigreturn = image->vdso_sigreturn;
		mm->vdso_rt_sigreturn = image->vdso_rt_sigreturn;
		if (mm->mmap_top > MM_END_I386)
			mm->mmap_top = MM_END_I386;
	}
	mm->total_ram = image->total_ram;
	mm->rlim_stack = image->rlim[RLIMIT_STACK_NR][0];
	mm->rlim_data = image->rlim[RLIMIT_DATA_NR][0];

	proc->mm = mm;
	proc->pid = image->pid;
	proc->session = session_get(session);
	memcpy(proc->home_id, session->home.id, sizeof(proc->home_id));
	memcpy(proc->comm, image->comm, sizeof(proc->comm));
	proc->comm[sizeof(proc->comm) - 1] = 0;
	memcpy(proc->cpu, image->cpu, sizeof(proc->cpu));
	memcpy(proc->rlim, image->rlim, sizeof(proc->rlim));
	proc->sfd_mask = image->sfd_mask & ~SIGS_KILL_STOP;
	proc->map_sync = image->flags & IMG_MAP_SYNC;
	proc->i386 = image->flags & IMG_I386;
	proc->utime_base = image->utime_ns;
	proc->stime_base = image->stime_ns;
	/* A handler's frame must fit what home told the program about its size (AT_MINSIGSTKSZ). */
	proc->xfeatures = fpu_xcr0() & (session->home.xcr0 | XFEATURE_X87 | XFEATURE_SSE);
	return proc;
}

struct proc *proc_copy(struct proc *parent, struct mm *mm)
{
	struct proc *proc = proc_alloc();

	if (!proc)
		return NULL;
	proc->mm = mm;
	proc->session = session_get(parent->session);
	memcpy(proc->home_id, parent->home_id, sizeof(proc->home_id));
	memcpy(proc->comm, parent->comm, sizeof(proc->comm));
	memcpy(proc->cpu, parent->cpu, sizeof(proc->cpu));
	memcpy(proc->rlim, parent->rlim, sizeof(proc->rlim));
	memcpy(proc->sigact, parent->sigact, sizeof(proc->sigact));
	proc->sfd_mask = parent->sfd_mask;
	proc->map_sync = parent->map_sync;
	proc->i386 = parent->i386;
	proc->xfeatures = parent->xfeatures;
	proc->uid_known = parent->uid_known;
	proc->uid = parent->uid;
	return proc;
}

void proc_set_sigacts(struct proc *proc, const struct wire_sigact sigacts[64])
{
	memcpy(proc->sigact, sigacts, sizeof(proc->sigact));
	for (int i = 0; i < 64; i++)
		proc->sigact[i].mask &= ~SIGS_KILL_STOP;
}

struct uthread *proc_thread_alloc(struct proc *proc)
{
	struct uthread *u = kzalloc(sizeof(*u));

	if (!u)
		return NULL;
	u->thread = uthread_create(proc->comm, proc, proc->mm);
	if (!u->thread) {
		kfree(u);
		return NULL;
	}
	u->thread->user = u;
	u->altstack_flags = LSS_DISABLE;
	u->rseq_cpu = -1;
	vcpu_init(u);
	sigpend_init(&u->pending);
	proc_get(proc);
	return u;
}

void proc_thread_join(struct proc *proc, struct uthread *u, uint32_t tid)
{
	spin_lock(&proc->lock);
	u->tid = tid;
	list_add_tail(&u->link, &proc->threads);
	proc->nthreads++;
	vcpu_joined(proc, u);
	cpulimit_changed(proc);
	spin_unlock(&proc->lock);
}

struct uthread *proc_thread_create(struct proc *proc, uint32_t tid)
{
	struct uthread *u = proc_thread_alloc(proc);

	if (!u)
		return NULL;
	snprintf(u->thread->name, sizeof(u->thread->name), "%.12s/%u", proc->comm, tid);
	proc_thread_join(proc, u, tid);
	return u;
}

/* The thread left proc->threads in proc_thread_gone() or proc_discard(). */
void user_thread_free(struct thread *t)
{
	struct uthread *u = t->user;

	if (!u)
		return;
	sigpend_clear(&u->pending);
	kfree(u);
	proc_put(t->proc);
}

void proc_start(struct proc *proc)
{
	struct uthread *u;

	spin_lock(&proc->lock);
	/* Of several it is not known who burnt how much. */
	if (proc->nthreads == 1)
		list_first_entry(&proc->threads, struct uthread, link)->cpu_base_ns =
			proc->utime_base + proc->stime_base;
	list_for_each_entry(u, &proc->threads, link) {
		thread_set_work(u->thread, THREAD_WORK_SIGNAL);
		thread_wake(u->thread);
	}
	spin_unlock(&proc->lock);
}

/* --- end -------------------------------------------------------------------------------------- */

void proc_discard(struct proc *proc)
{
	while (!list_empty(&proc->threads)) {
		struct uthread *u = list_first_entry(&proc->threads, struct uthread, link);

		list_del(&u->link);
		proc->nthreads--;
		thread_put(u->thread);
	}
}

struct proc *proc_get(struct proc *proc)
{
	__atomic_add_fetch(&proc->refs, 1, __ATOMIC_RELAXED);
	return proc;
}

void proc_put(struct proc *proc)
{
	if (__atomic_sub_fetch(&proc->refs, 1, __ATOMIC_ACQ_REL))
		return;
	KASSERT(list_empty(&proc->threads));
	sigpend_clear(&proc->pending);
	kfree(proc->overruns);
	if (proc->mm)
		mm_put(proc->mm);
	session_put(proc->session);
	kfree(proc);
}

/* Makes every thread look at the process's flags, wherever it is. Called with proc->lock held. */
static void proc_poke_locked(struct proc *proc)
{
	struct uthread *u;

	list_for_each_entry(u, &proc->threads, link)
		thread_set_work(u->thread, THREAD_WORK_STOP);
	waitq_wake_all(&proc->stop_wq);
}

void proc_kill(struct proc *proc)
{
	spin_lock(&proc->lock);
	proc->dead = true;
	proc_poke_locked(proc);
	spin_unlock(&proc->lock);
}

void proc_exit(struct proc *proc, int signo, int status)
{
	spin_lock(&proc->lock);
	if (!proc->exiting) {
		proc->exiting = true;
		proc->exit_signo = signo;
		proc->exit_status = status & 0xff;
		proc_poke_locked(proc);
	}
	spin_unlock(&proc->lock);
}

bool proc_ending(const struct proc *proc)
{
	return __atomic_load_n(&proc->dead, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&proc->exiting, __ATOMIC_ACQUIRE);
}

bool user_thread_killed(void)
{
	return current->proc && proc_ending(current->proc);
}

void proc_vfork_release(struct proc *proc)
{
	__atomic_store_n(&proc->vfork_done, true, __ATOMIC_SEQ_CST);
	waitq_wake_all(&proc->vfork_wq);
}

void proc_vfork_begin(struct proc *proc)
{
	spin_lock(&proc->lock);
	proc->nvforks++;
	spin_unlock(&proc->lock);
}

void proc_vfork_end(struct proc *proc)
{
	spin_lock(&proc->lock);
	if (!--proc->nvforks && proc->recalled)
		proc_poke_locked(proc);
	spin_unlock(&proc->lock);
}

void proc_thread_exits(int status)
{
	struct proc *proc = current->proc;

	spin_lock(&proc->lock);
	/* The process ends as its leader did, if nobody says otherwise by exit_group. */
	if (current_user->tid == proc->pid) {
		proc->leader_gone = true;
		if (!proc->exiting)
			proc->exit_status = status & 0xff;
	}
	current_user->exits = true;
	spin_unlock(&proc->lock);
	thread_set_work(current, THREAD_WORK_STOP);
}

/* What Linux writes into a thread's memory when it ends, where others can still see it. */
static void thread_farewell(struct proc *proc, struct uthread *u)
{
	if (proc->dead || proc->left || (!u->exits && !proc->shares_mm))
		return;
	if (u->clear_tid && !put_user32(u->clear_tid, 0))
		futex_wake_address(current->mm, u->clear_tid, 1);
}

void proc_thread_gone(void)
{
	struct uthread *u = current_user;
	struct proc *proc = current->proc;
	uint64_t total = thread_cpu_ns(current);
	struct mm *mm = NULL;
	bool last, alone = false;

	spin_lock(&proc->lock);
	/* Of several that end at once one remains, to be told of as the process's end. */
	if (u->exits && !proc_ending(proc) && proc->nthreads - proc->nexiting > 1) {
		alone = true;
		proc->nexiting++;
		proc->ended[proc->nended++ % ENDED_TIDS] = u->tid;
	}
	spin_unlock(&proc->lock);
	/* Before anybody here can learn of it: who joins it and ends the process is told of later. */
	if (alone)
		guest_thread_exit(proc, u->tid);
	thread_farewell(proc, u);
	if (proc_ending(proc) && !proc->left)
		futex_die(u);
	spin_lock(&proc->lock);
	proc->stime_gone += u->stime_ns;
	proc->utime_gone += total > u->stime_ns ? total - u->stime_ns : 0;
	list_del(&u->link);
	proc->nexiting -= alone;
	last = --proc->nthreads == 0;
	vcpu_left(proc);
	if (last) {
		mm = proc->mm;
		proc->mm = NULL;
		/* All threads have left by exit(): so the process has ended. */
		if (u->exits)
			proc->exiting = true;
	} else {
		retarget_signals_locked(proc, NULL, ~0ull);
		waitq_wake_all(&proc->stop_wq);
	}
	spin_unlock(&proc->lock);

	current->mm = NULL;
	if (last) {
		if (proc->exiting && !proc->dead && !proc->left)
			guest_exit(proc, proc->exit_signo, proc->exit_status);
		proc_vfork_release(proc);
		mm_put(mm);
		guest_proc_gone(proc);
	}
	thread_exit();
}

void proc_replace(struct proc *old, struct proc *fresh)
{
	uint64_t utime, stime;

	proc_cpu_times(old, &utime, &stime);
	fresh->utime_base += utime - old->utime_base;
	fresh->stime_base += stime - old->stime_base;
	proc_kill(old);
}

/* --- control ---------------------------------------------------------------------------------- */

void proc_stop(struct proc *proc)
{
	spin_lock(&proc->lock);
	proc->stopped = true;
	proc_poke_locked(proc);
	spin_unlock(&proc->lock);
}

bool proc_stop_taken(struct proc *proc)
{
	bool stops;

	spin_lock(&proc->lock);
	stops = proc->stop_taken;
	proc->stop_taken = false;
	if (stops) {
		proc->stopped = true;
		proc_poke_locked(proc);
	}
	spin_unlock(&proc->lock);
	return stops;
}

void proc_cont(struct proc *proc)
{
	spin_lock(&proc->lock);
	proc->stopped = false;
	waitq_wake_all(&proc->stop_wq);
	spin_unlock(&proc->lock);
}

void proc_recall_locked(struct proc *proc, enum wire_reason code, const char *text)
{
	if (proc->recalled)
		return;
	wire_text_set(&proc->why, code, "%s", text);
	proc->recalled = true;
	proc_poke_locked(proc);
}

void proc_recall(struct proc *proc, enum wire_reason code, const char *text)
{
	spin_lock(&proc->lock);
	proc_recall_locked(proc, code, text);
	spin_unlock(&proc->lock);
}

long retreat(enum wire_reason code, const char *fmt, ...)
{
	struct proc *proc = current->proc;
	char text[WIRE_REASON_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trace("%s (%u) retreats: %s", proc->comm, proc->pid, text);

	spin_lock(&proc->lock);
	/* What cannot be served is a better reason than that somebody asked. */
	if (!current_user->retreating)
		wire_text_set(&proc->why, code, "%s", text);
	current_user->retreating = true;
	proc->recalled = true;
	proc_poke_locked(proc);
	spin_unlock(&proc->lock);
	return RETREATED;
}

/* --- CPU time --------------------------------------------------------------------------------- */

static void cpu_times_here(struct proc *proc, uint64_t *utime, uint64_t *stime)
{
	struct uthread *u;

	spin_lock(&proc->lock);
	*utime = proc->utime_gone;
	*stime = proc->stime_gone;
	list_for_each_entry(u, &proc->threads, link) {
		uint64_t total = thread_cpu_ns(u->thread), in_calls = u->stime_ns;

		if (u->call_start_ns && total > u->call_start_ns)
			in_calls += total - u->call_start_ns;
		*stime += in_calls;
		*utime += total > in_calls ? total - in_calls : 0;
	}
	spin_unlock(&proc->lock);
}

void proc_cpu_times(struct proc *proc, uint64_t *utime_ns, uint64_t *stime_ns)
{
	cpu_times_here(proc, utime_ns, stime_ns);
	*utime_ns += proc->utime_base;
	*stime_ns += proc->stime_base;
}

uint64_t proc_cpu_here(struct proc *proc)
{
	uint64_t utime, stime;

	cpu_times_here(proc, &utime, &stime);
	return utime + stime;
}
