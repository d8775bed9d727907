/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads and the scheduler's interface. A thread is a kernel stack plus, for one that runs guest
 * code, an address space and user register state. Kernel code is never preempted: it runs until it
 * blocks or returns to user mode; user code is preempted on the timer.
 *
 * Lifetime: a thread holds one reference on itself until it has exited and left its stack; others
 * take their own with thread_get(). `lock` guards `state`; fields marked (own) belong to the thread
 * itself, or to its creator before the first thread_wake().
 */
#ifndef KERNEL_PROC_THREAD_H
#define KERNEL_PROC_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/cpu/percpu.h"
#include "kernel/cpu/segment.h"
#include "kernel/list.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"

struct mm;
struct proc;
struct trapframe;

#define KSTACK_ORDER 2
#define KSTACK_SIZE (4096ul << KSTACK_ORDER)

enum thread_state {
	THREAD_NEW,	/* created, never woken */
	THREAD_RUNNABLE,/* running, or on a run queue */
	THREAD_BLOCKED, /* until thread_wake() */
	THREAD_DEAD	/* in its last schedule(), or gone */
};

/* Bits of thread->work: why the thread should pass return_to_user_work(). */
enum thread_work {
	THREAD_WORK_SIGNAL = 1 << 0, /* also ends interruptible waits */
	THREAD_WORK_STOP = 1 << 1,   /* freeze for a move or an exit; also ends interruptible waits */
	THREAD_WORK_USER = 1 << 8    /* this and higher bits: kernel/proc's own use */
};

/* What a wait_event_interruptible() ends for. */
#define THREAD_WORK_INTERRUPTS (THREAD_WORK_SIGNAL | THREAD_WORK_STOP)

struct thread {
	uint64_t ksp;		     /* saved stack pointer while not running */
	uint8_t *kstack;	     /* KSTACK_SIZE bytes */
	spinlock_t lock;
	enum thread_state state;
	uint32_t refs;
	uint32_t work;		     /* atomic; enum thread_work */
	int cpu;		     /* where it runs or ran last */
	bool on_cpu;		     /* its context is live on that CPU */
	bool idle;		     /* a CPU's idle thread: on no queue */
	uint8_t prio;		     /* run queue level, see sched.c */
	bool realtime;		     /* SCHED_FIFO, SCHED_RR: before the other guests */
	bool bound;		     /* may run on the CPUs of `cpus` only */
	struct cpumask cpus;	     /* while bound; never empty */
	uint64_t slice_ns;	     /* its turn when others wait; 0: the default */
	uint32_t switch_work;	     /* work bits it gets whenever it gives up its CPU */
	uint32_t tick_work;	     /* and at each tick that finds it running */
	char name[24];
	uint64_t id;		     /* unique, for messages; not the guest's tid */
	struct list_head run_link;   /* run queue, under its lock */
	struct list_head all_link;   /* list of all threads */

	uint64_t cpu_ns;	     /* processor time up to the last switch */
	uint64_t switched_in_ns;
	uint64_t boost_start_ns, boost_used_ns;
	uint64_t switches;

	/* User threads only (own). */
	struct proc *proc;	     /* NULL for kernel threads; see kernel/proc/proc.h */
	struct mm *mm;		     /* NULL for kernel threads; not owned here */
	void *user;		     /* whatever kernel/proc keeps per user thread */
	uint64_t fs_base, gs_base;   /* live in the CPU while running: thread_state_save() */
	uint16_t ds, es, fs, gs;     /* the same; see segment.h */
	uint64_t tls[TLS_ENTRIES];   /* descriptors, checked ones */
	void *xstate;		     /* XSAVE area, fpu_state_size() bytes; NULL for kernel threads */
	int xstate_cpu;		     /* CPU whose registers still hold xstate, -1 for none */

	/* Recovery point of user-memory copies in progress belongs to the exception table. */
	void (*fn)(void *arg);	     /* kernel threads: what to run */
	void *arg;
};

/* Runnable at once. The pointer is valid while the thread lives; NULL when memory is out. */
struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg);

/*
 * A thread that will enter user mode with the registers in thread_trapframe(). Not runnable until
 * thread_wake(). Registers are zero, selectors and flags are set, xstate is the initial state.
 * thread_put() destroys one that was never woken. NULL when memory is out.
 */
struct thread *uthread_create(const char *name, struct proc *proc, struct mm *mm);

/* The user registers, at the top of t's kernel stack; meaningful while t is inside the kernel. */
struct trapframe *thread_trapframe(struct thread *t);

static inline struct thread *thread_get(struct thread *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

/* Frees the thread with the last reference, after calling the hook user_thread_free(). */
void thread_put(struct thread *t);

static inline struct thread *thread_current(void)
{
	struct thread *t;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(PERCPU_CURRENT));
	return t;
}

#define current thread_current()

/* Makes a new or blocked thread runnable; nothing for any other. Any context. */
void thread_wake(struct thread *t);

/* Lets others run; returns soon when there are none. */
void thread_yield(void);

/* Ends the current thread. Its stack is freed once it is off it. */
void thread_exit(void) __attribute__((noreturn));

/*
 * Gives up the CPU. With state THREAD_RUNNABLE it is a yield; with THREAD_BLOCKED (see
 * thread_block_prepare()) the thread sleeps until thread_wake(), which may come early.
 */
void schedule(void);

/* Marks the current thread blocked; look at the condition after this and before schedule(). */
void thread_block_prepare(void);

/* Undoes thread_block_prepare() when there is nothing to wait for. */
void thread_block_cancel(void);

/* Threads that exist, ended ones not freed yet included. Any context. */
unsigned thread_count(void);

/*
 * Where t may run from now on, NULL for everywhere; cpus has at least one that is online. If it runs
 * elsewhere, it leaves that CPU soon. Any thread context.
 */
void thread_bind(struct thread *t, const struct cpumask *cpus);

/* Sleeps until the absolute time; not ended by anything else. */
void sleep_until(uint64_t deadline_ns);

/*
 * Sets work bits; makes t pass return_to_user_work() soon wherever it is: a running one is
 * interrupted, and with a bit of THREAD_WORK_INTERRUPTS a blocked one is woken. Any context.
 */
void thread_set_work(struct thread *t, uint32_t bits);

/* Clears work bits of the current thread. */
static inline void thread_clear_work(struct thread *t, uint32_t bits)
{
	__atomic_and_fetch(&t->work, ~bits, __ATOMIC_SEQ_CST);
}

static inline uint32_t thread_work(const struct thread *t)
{
	return __atomic_load_n(&t->work, __ATOMIC_SEQ_CST);
}

/*
 * Copies the current thread's live user state (fs/gs base, FPU registers) into struct thread, for
 * a snapshot, a fork or a signal frame. The registers stay valid.
 */
void thread_state_save(void);

/* The reverse: loads fs_base, gs_base and xstate of the current thread after they were changed. */
void thread_state_load(void);

/* Says that xstate of a thread that is not running was changed by someone else. */
void thread_state_changed(struct thread *t);

/* Prints a line for each thread. Any context. */
void thread_dump(void);

/* Processor time used so far, the running stretch included. */
uint64_t thread_cpu_ns(struct thread *t);

/* Goes to user mode with the current thread's trapframe; does not return. */
void thread_enter_user(void) __attribute__((noreturn));

/* Hook of kernel/proc (weak default: nothing): t is about to be freed, t->user with it. */
void user_thread_free(struct thread *t);

/*
 * Hook of kernel/mm (weak default: kernel's own tables): the CPU is about to run a thread with this
 * address space, NULL for a kernel thread, which can do with any. Notes what it loads in
 * this_cpu()->active_mm. Called at every switch, with interrupts off.
 */
void mm_activate(struct mm *mm);

/* A CPU's idle thread; it gets its context when the CPU comes up. Start-up only. */
struct thread *idle_thread_create(int cpu);

/* As thread_wake(), but not for a thread that was never started. */
void thread_wake_blocked(struct thread *t);

#endif
