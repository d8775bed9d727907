/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest process: what this node keeps for a process whose pid, files and relatives are at home.
 *
 * Lifetime: proc_create() gives one reference, which kernel/guest holds for its table; each thread
 * holds one more. When the last thread has ended, guest_proc_gone() is called once, in that thread,
 * and kernel/guest lets go. The address space is given up by the last thread, before that call.
 *
 * proc->lock (a spin lock, taken with interrupts on: no interrupt handler knows processes) guards
 * the flags, the signal state of the process and of its threads, and the list of threads. A field
 * marked (own) is touched by the thread itself only, or before it first runs.
 *
 * How a process can end here:
 *   it exits or is killed by a signal's default action   exiting; guest_exit() tells home
 *   it goes home                                          guest_go_home() returned 0
 *   home took it away (killed, execed, connection lost)   dead, by proc_kill(); home is not told
 *
 * A thread that ends while others go on: exits; guest_thread_exit() tells home before anybody here can
 * see it. Who calls exit(2) as the last one ends the process.
 *
 * Going home: each thread parks on its way to user mode (leave_together() in deliver.c), and the one
 * that finds all others parked sends them. From its `moving` on until home's answer none of them moves
 * or ends, and no thread is born, since all are parked.
 */
#ifndef KERNEL_PROC_PROC_H
#define KERNEL_PROC_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"
#include "kernel/proc/sigqueue.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"
#include "proto/wire.h"

struct mm;
struct session;
struct trapframe;

#define RLIMIT_CPU_NR 0
#define RLIMIT_DATA_NR 2
#define RLIMIT_STACK_NR 3
#define RLIMIT_CORE_NR 4
#define RLIMIT_AS_NR 9

#define ENDED_TIDS 64

struct proc {
	uint32_t refs;			/* atomic */
	uint32_t pid;
	struct session *session;	/* a reference */
	void *guest;			/* whatever kernel/guest keeps for it */
	struct mm *mm;			/* a reference, until the last thread has ended */
	char comm[16];
	uint8_t home_id[16];		/* names home's files in the page cache */
	uint64_t xfeatures;		/* state components in its signal frames: home's and ours */
	uint32_t cpu[WIRE_CPU_WORDS];	/* features it was shown */

	spinlock_t lock;
	struct list_head threads;	/* struct uthread */
	unsigned nthreads;
	unsigned nexiting;		/* of these, how many end by themselves */
	unsigned nparked;		/* of these, how many wait to go home together */
	unsigned nvforks;		/* of these, how many wait for a child of vfork */
	bool gate_called;		/* others wait for it to park (kernel/guest/shared.c) */
	/* Those that ended last, for signals that were sent to them before home knew. */
	uint32_t ended[ENDED_TIDS];
	unsigned nended;
	struct wire_sigact sigact[64];	/* of signal n at n - 1 */
	struct sigpend pending;		/* for the process */
	/*
	 * It may read these from a signalfd(2): those that its threads block wait at home, where they are
	 * read, not here. Grows only while there is one thread.
	 */
	uint64_t sfd_mask;
	struct overrun *overruns;	/* overrun.c's */
	unsigned noverruns;

	bool dead;			/* taken away by home: end without telling anybody */
	bool exiting;			/* ends with exit_signo or exit_status */
	bool leader_gone;		/* its first thread has ended, with exit_status */
	bool stopped;			/* no thread runs in user mode until proc_cont() */
	bool stop_taken;		/* a stop signal was taken that stops it now, unless SIGCONT comes */
	bool recalled;			/* goes home at the next return to user mode, for `why` */
	bool moving;			/* one of its threads is sending it home */
	bool left;			/* runs at home now; the parked threads end */
	bool map_sync;			/* ask home before changes of the map */
	bool i386;			/* a 32-bit program; constant */
	int exit_signo, exit_status;
	struct waitq stop_wq;		/* any of the above changed, or the number of threads */
	struct wire_text why;

	uint64_t rlim[16][2];		/* soft, hard; changed by the process itself */
	uint64_t utime_base, stime_base;	/* ns of CPU time burnt elsewhere */
	uint64_t utime_gone, stime_gone;	/* of threads that have ended here */
	bool uid_known;			/* uid is what home said last */
	uint32_t uid;

	/* A child of vfork shares its parent's memory until it has done execve or ended. */
	bool shares_mm;
	bool vfork_done;
	struct waitq vfork_wq;
};

/* How a blocked call that a signal interrupted goes on when nothing handles the signal. */
enum restart_kind {
	RESTART_NONE,
	RESTART_SLEEP,
	RESTART_FUTEX,
	RESTART_POLL,	  /* milliseconds in argument 2 */
	RESTART_EPOLL,	  /* milliseconds in argument 3 */
	RESTART_TIMESPEC, /* argument 3 points to a struct timespec */
};

struct restart_block {
	enum restart_kind kind;
	uint64_t deadline_ns;		/* of clock_now_ns() */
	uint64_t args[6];		/* of the call */
	bool time32;			/* of the call, see struct uthread */
};

/* What a user thread has beyond struct thread; thread->user. Freed with the thread. */
struct uthread {
	struct list_head link;		/* proc->threads */
	struct thread *thread;
	uint32_t tid;

	/* Written under proc->lock by the thread itself; others read under the lock. */
	uint64_t sigmask;
	uint64_t saved_mask;		/* the mask before a ppoll, sigsuspend... */
	bool restore_mask;		/* saved_mask is to be put back on the way to user mode */
	uint64_t waits_for;		/* signals that rt_sigtimedwait waits for */
	struct sigpend pending;

	/* (own) */
	uint64_t altstack_sp, altstack_size;
	uint32_t altstack_flags;
	uint32_t trap_nr, trap_err;	/* of the last fault, for signal frames */
	uint64_t trap_addr;
	uint64_t rseq_addr;
	uint32_t rseq_size, rseq_sig;
	int rseq_cpu, rseq_cid;		/* what the program was told last; -1: nothing */
	uint64_t cpus[WIRE_CPUSET_WORDS];	/* vcpu.h: home's CPUs where it may run */
	int nice;
	unsigned policy;
	uint64_t robust_list, robust_len;
	uint64_t clear_tid;		/* zeroed when it ends, for others who see this memory */
	uint64_t set_tid;		/* gets the tid before the thread first runs; 0: nothing */
	struct restart_block restart;
	uint64_t restart_nr;		/* of the call that `restart` goes on with */
	uint64_t stime_ns;		/* CPU time inside system calls */
	uint64_t questions;		/* to home, that were waited for: calls, mappings, forks */
	uint64_t call_start_ns;		/* CPU time when the current one began; 0: in none */
	bool tls_changed;		/* its descriptors are still to be told to home */
	bool i386;			/* the current call was made by int 0x80 */
	bool time32;			/* and its times have 32 bits */
	bool retreating;		/* retreat() was called since the last entry */
	bool steady;			/* its forwarded calls are not aborted: see file_calls.c */
	bool exits;			/* ends alone, while the process goes on; by proc->lock */
	uint64_t cpu_base_ns;		/* CPU time burnt before it came here, as far as known */
};

static inline struct uthread *uthread_of(const struct thread *t)
{
	return t->user;
}

#define current_proc (current->proc)
#define current_user (uthread_of(current))

/* trapframe.vector of registers that are not those of a trap's end, so that nothing is restarted. */
#define TRAP_NONE 0x101

/*
 * Work bits of our own: a restart code is to be resolved; rseq wants its CPU number; the limit of CPU
 * time is to be looked at.
 */
#define PROC_WORK_RESTART THREAD_WORK_USER
#define PROC_WORK_RSEQ (THREAD_WORK_USER << 1)
#define PROC_WORK_CPU (THREAD_WORK_USER << 2)

/* --- images: called by kernel/guest, thread context -------------------------------------------- */

/*
 * A process without threads and mappings, its mm filled with what the image says of it. NULL when
 * memory is out. Until proc_start() nobody but the caller may know it.
 */
struct proc *proc_create(struct session *session, const struct wire_image *image);

void proc_set_sigacts(struct proc *proc, const struct wire_sigact sigacts[64]);

/*
 * Adds a thread that will run with these registers. xstate: t->xstate_len bytes, standard format.
 * Checks everything. 0, or -errno with the reason in *why.
 */
int proc_add_thread(struct proc *proc, uint32_t tid, const struct wire_thread *t,
		    const void *xstate, struct wire_text *why);

/* Lets its threads run. */
void proc_start(struct proc *proc);

/* Ends the life of one that was never started: frees its threads; the caller then proc_put()s. */
void proc_discard(struct proc *proc);

struct proc *proc_get(struct proc *proc);
void proc_put(struct proc *proc);

/*
 * A new image of the same pid takes the place of `old` (execve): carries over what home cannot
 * know (CPU time burnt here), then ends the old one as proc_kill() does.
 */
void proc_replace(struct proc *old, struct proc *fresh);

/*
 * Fills in a thread's state for the way home: registers as its trapframe has them. The thread is the
 * current one, or parked (proc->nparked). xstate gets at most WIRE_XSTATE_MAX bytes; returns how many,
 * which is also in t->xstate_len. Called inside guest_go_home().
 */
uint32_t proc_export_thread(const struct uthread *u, struct wire_thread *t, void *xstate);

/*
 * Calls fn for each pending signal, of thread u or (NULL) of the process, without removing any. fn may
 * not sleep. Stops when fn does not return 0, and returns that.
 */
int proc_export_signals(struct proc *proc, struct uthread *u,
			int (*fn)(void *arg, const struct wire_signal *sig), void *arg);

/* --- control: any thread context, do not sleep --------------------------------------------------- */

/* Takes the process away: its threads end as soon as they can, and home is not told. */
void proc_kill(struct proc *proc);

/* The stub was stopped, and continued, at home. */
void proc_stop(struct proc *proc);
void proc_cont(struct proc *proc);

/*
 * A stop signal's default action, now that it was taken off its queue: the process is stopped. False:
 * SIGCONT came meanwhile.
 */
bool proc_stop_taken(struct proc *proc);

/* A signal that arrived at the stub (thread tid of it, if it is not for the process). */
void proc_signal(struct proc *proc, uint32_t tid, const struct wire_signal *sig);

/* Is this one of its threads? Or was it one until recently? */
bool proc_has_thread(struct proc *proc, uint32_t tid);
bool proc_had_thread(struct proc *proc, uint32_t tid);

/* Sends it home at the next return to user mode; interruptible waits end, to be repeated there. */
void proc_recall(struct proc *proc, enum wire_reason code, const char *text);
void proc_recall_locked(struct proc *proc, enum wire_reason code, const char *text);

/* CPU time burnt, all of it and on this node, ns. */
void proc_cpu_times(struct proc *proc, uint64_t *utime_ns, uint64_t *stime_ns);
uint64_t proc_cpu_here(struct proc *proc);

/* --- within the kernel, current thread ------------------------------------------------------------ */

/* What a system call returns after retreat(): the call will be repeated at home. */
#define RETREATED (-600L)

/*
 * Sends the current process home because something cannot be served here; takes effect on the way
 * back to user mode. Inside a system call: `return retreat(...)`, and home repeats the call. From a
 * fault: home repeats the instruction. The reason is for people: see STYLE.
 */
long retreat(enum wire_reason code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The process ends, by a signal (then status is ignored) or with an exit status of 0 to 255. */
void proc_exit(struct proc *proc, int signo, int status);

/* Ends the current thread, which has nothing more to do in user mode. */
void proc_thread_gone(void) __attribute__((noreturn));

/* Is the current process ending, or taken away? */
bool proc_ending(const struct proc *proc);

/*
 * A thread of proc, made runnable by thread_wake(). NULL when memory is out. The second form is not
 * one of the process's threads before proc_thread_join(); thread_put() frees it until then.
 */
struct uthread *proc_thread_create(struct proc *proc, uint32_t tid);
struct uthread *proc_thread_alloc(struct proc *proc);
void proc_thread_join(struct proc *proc, struct uthread *u, uint32_t tid);

/*
 * The current thread ends by itself (exit(2)) on its way to user mode, and the process with the last
 * one. What others will see of it in memory must be in reach: futex_exit_prepare().
 */
void proc_thread_exits(int status);

/* The current thread begins, and ends, waiting for a child of vfork: no recall meanwhile. */
void proc_vfork_begin(struct proc *proc);
void proc_vfork_end(struct proc *proc);

/* A process that starts out as the current one's copy (fork); mm is taken over. NULL: no memory. */
struct proc *proc_copy(struct proc *parent, struct mm *mm);

/* The process no longer uses its parent's memory: the parent's vfork() returns. */
void proc_vfork_release(struct proc *proc);

/* --- hooks of kernel/guest, with weak defaults that do nothing ------------------------------------- */

/*
 * A child made by fork: enters it into its session's table (with a reference of its own) and sets
 * child->mm->pager, unless child->shares_mm. Called in the parent's thread before the child first
 * runs. 0 or -errno.
 */
int guest_proc_added(struct proc *child, struct proc *parent);

/* A child of vfork got an address space of its own, a copy, to go home with: sets its pager. */
void guest_mm_split(struct proc *proc);

/* The last thread of this process has ended. */
void guest_proc_gone(struct proc *proc);

#endif
