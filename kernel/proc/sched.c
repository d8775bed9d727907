/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler: one run queue per CPU with three levels.
 *   0  kernel threads: they serve everybody and run until they block
 *   1  guest threads that have waited and not yet used up their bonus (BOOST_NS in BOOST_PERIOD_NS)
 *   2  all other guest threads, in turn
 * Real-time guests are always at level 1; nice ones never, and their turn at level 2 is shorter.
 * A woken thread of a better level preempts user mode; within a level the slice decides.
 *
 * Invariants. A thread is on at most one queue, and only while its context is saved: one that gives
 * up its CPU but stays runnable is queued by its successor (finish_switch()), which is the first to
 * run after the switch. thread->lock is held from the decision to switch until then, so that a
 * waker who takes it finds the thread either still running or completely off its CPU.
 * A bound thread (thread_bind()) may be found on the queue of a CPU where it may no longer run:
 * who takes it from there hands it on.
 * Lock order: thread->lock, then runq->lock.
 */
#include "kernel/proc/sched.h"

#include <stddef.h>

#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/ipi.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmap.h"
#include "kernel/panic.h"
#include "kernel/proc/switch.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

#define LEVELS 3
#define LEVEL_KERNEL 0
#define LEVEL_BOOSTED 1
#define LEVEL_NORMAL 2

#define SLICE_NS (10 * NSEC_PER_MSEC)
#define BOOST_NS (5 * NSEC_PER_MSEC)
#define BOOST_PERIOD_NS (100 * NSEC_PER_MSEC)
/* How long a kernel thread may keep waiting what it woke before a sleeping CPU is sent for it. */
#define QUIET_NS NSEC_PER_MSEC
#define LOAD_INTERVAL_NS (100 * NSEC_PER_MSEC)

struct runq {
	spinlock_t lock;
	struct list_head level[LEVELS];
	unsigned length;	/* read by others without the lock, as a hint */
	uint64_t slice_end_ns;	/* of the running thread; own CPU only */
	uint64_t idle_ns;	/* up to the last switch; own CPU only */
	uint64_t idle_since_ns; /* 0 while not idle */
	uint64_t up_since_ns;
};

static struct runq runqs[MAX_CPUS];
/* CPUs that sleep in their idle loop and have not been sent anything since. */
static struct cpumask idle_cpus;
static struct timer load_timer;
static unsigned load_milli;

void sched_init(void)
{
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		spin_init(&runqs[cpu].lock);
		for (int l = 0; l < LEVELS; l++)
			list_init(&runqs[cpu].level[l]);
	}
}

static unsigned queue_length(int cpu)
{
	return __atomic_load_n(&runqs[cpu].length, __ATOMIC_SEQ_CST);
}

/* Tells one sleeping CPU, if there is any, to look for work. */
static void kick_idle_cpu(void)
{
	cpumask_for_each(cpu, &idle_cpus) {
		if (cpu == cpu_id())
			continue;
		cpumask_clear(&idle_cpus, cpu);
		ipi_resched(cpu);
		return;
	}
}

static bool may_run(const struct thread *t, int cpu)
{
	return !t->bound || cpumask_test(&t->cpus, cpu);
}

static uint64_t slice_of(const struct thread *t)
{
	return t->slice_ns ? t->slice_ns : SLICE_NS;
}

static uint8_t user_level(const struct thread *t, uint64_t used_ns)
{
	if (t->realtime || (slice_of(t) >= SLICE_NS && used_ns < BOOST_NS))
		return LEVEL_BOOSTED;
	return LEVEL_NORMAL;
}

static uint8_t level_for(struct thread *t, uint64_t now)
{
	if (t->mm == NULL && t->xstate == NULL)
		return LEVEL_KERNEL;
	if (now - t->boost_start_ns > BOOST_PERIOD_NS) {
		t->boost_start_ns = now;
		t->boost_used_ns = 0;
	}
	return user_level(t, t->boost_used_ns);
}

/* Interrupts off, under t->lock or with t on no queue. Does not tell the CPU. */
static void enqueue(struct thread *t, int cpu)
{
	struct runq *rq = &runqs[cpu];

	spin_lock(&rq->lock);
	list_add_tail(&t->run_link, &rq->level[t->prio]);
	__atomic_store_n(&rq->length, rq->length + 1, __ATOMIC_SEQ_CST);
	spin_unlock(&rq->lock);
}

/* The best of the CPUs where a bound thread may run: one that sleeps, else the shortest queue. */
static int choose_among(const struct thread *t)
{
	int best = -1;

	cpumask_for_each(cpu, &t->cpus) {
		if (cpu >= cpu_count())
			break;
		if (cpumask_test(&idle_cpus, cpu) && !queue_length(cpu))
			return cpu;
		if (best < 0 || queue_length(cpu) < queue_length(best))
			best = cpu;
	}
	return best >= 0 ? best : cpu_id();
}

/*
 * Where a woken thread goes. Waking a sleeping CPU costs more than a short wait, so what a kernel
 * thread or an interrupt wakes stays here if it can run next; what finds this CPU busy with guest
 * code goes to a sleeping one.
 */
static int choose_cpu(struct thread *t, bool *quiet)
{
	int me = cpu_id();
	struct thread *running = current;
	int best;

	*quiet = false;
	if (t->bound)
		return choose_among(t);
	if (queue_length(me) == 0) {
		if (running->idle || (t->prio == LEVEL_KERNEL && running->prio != LEVEL_KERNEL))
			return me;
		if (t->state != THREAD_NEW && running->prio == LEVEL_KERNEL) {
			*quiet = true;
			return me;
		}
	}
	if (t->cpu < cpu_count() && cpumask_test(&idle_cpus, t->cpu))
		return t->cpu;
	best = cpumask_next(&idle_cpus, 0);
	if (best >= 0)
		return best;
	if (t->state != THREAD_NEW)
		return t->cpu;
	best = me;
	for (int cpu = 0; cpu < cpu_count(); cpu++)
		if (queue_length(cpu) < queue_length(best))
			best = cpu;
	return best;
}

/* Makes the CPU notice a thread that was just put on its queue. */
static void notify(int cpu, struct thread *t)
{
	struct percpu *pc = cpu_percpu(cpu);
	struct thread *running = __atomic_load_n(&pc->running, __ATOMIC_RELAXED);

	/* running may be gone by now: threads' memory is freed, but stays mapped and readable. */
	if (running->idle || t->prio < running->prio) {
		cpumask_clear(&idle_cpus, cpu);
		ipi_resched(cpu);
	} else {
		kick_idle_cpu();
	}
}

static void wake(struct thread *t, bool also_new)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	bool quiet;
	int cpu;

	if (t->state != THREAD_BLOCKED && !(also_new && t->state == THREAD_NEW)) {
		spin_unlock_irqrestore(&t->lock, flags);
		return;
	}
	if (t->on_cpu) {
		/* Between thread_block_prepare() and schedule(): it will not sleep. */
		t->state = THREAD_RUNNABLE;
		spin_unlock_irqrestore(&t->lock, flags);
		return;
	}
	t->prio = level_for(t, clock_now_ns());
	cpu = choose_cpu(t, &quiet);
	t->state = THREAD_RUNNABLE;
	enqueue(t, cpu);
	spin_unlock(&t->lock);
	if (!quiet)
		notify(cpu, t);
	else if (cpumask_next(&idle_cpus, 0) >= 0)
		timer_want_tick(clock_now_ns() + QUIET_NS);
	irq_restore(flags);
}

void thread_wake(struct thread *t)
{
	wake(t, true);
}

void thread_wake_blocked(struct thread *t)
{
	wake(t, false);
}

/* Of one level: a thief takes who has waited least, since the others are about to run there. */
static struct thread *pick(struct list_head *level, int thief)
{
	struct list_head *at;

	if (thief < 0)
		return list_empty(level) ? NULL : list_first_entry(level, struct thread, run_link);
	for (at = level->prev; at != level; at = at->prev) {
		struct thread *t = container_of(at, struct thread, run_link);

		if (may_run(t, thief))
			return t;
	}
	return NULL;
}

/* thief: the CPU that steals from this queue, -1 for its own. */
static struct thread *dequeue(struct runq *rq, int thief)
{
	struct thread *t = NULL;

	spin_lock(&rq->lock);
	for (int l = 0; l < LEVELS && t == NULL; l++)
		t = pick(&rq->level[l], thief);
	if (t) {
		list_del(&t->run_link);
		__atomic_store_n(&rq->length, rq->length - 1, __ATOMIC_SEQ_CST);
	}
	spin_unlock(&rq->lock);
	return t;
}

/* Takes the next of this CPU's own queue; hands on who may no longer run here. */
static struct thread *dequeue_own(int me)
{
	struct thread *t;

	while ((t = dequeue(&runqs[me], -1)) != NULL && !may_run(t, me)) {
		int cpu = choose_among(t);

		if (cpu == me)
			break;
		enqueue(t, cpu);
		notify(cpu, t);
	}
	return t;
}

/* The best level that waits here, LEVELS when none. */
static int waiting_level(struct runq *rq)
{
	int l = 0;

	if (__atomic_load_n(&rq->length, __ATOMIC_SEQ_CST) == 0)
		return LEVELS;
	spin_lock(&rq->lock);
	while (l < LEVELS && list_empty(&rq->level[l]))
		l++;
	spin_unlock(&rq->lock);
	return l;
}

static struct thread *steal(int me)
{
	for (int i = 1; i < cpu_count(); i++) {
		int victim = (me + i) % cpu_count();
		struct thread *t;

		if (queue_length(victim) && (t = dequeue(&runqs[victim], me)) != NULL)
			return t;
	}
	return NULL;
}

static bool has_work_for(struct runq *rq, int me)
{
	struct thread *t = NULL;

	spin_lock(&rq->lock);
	for (int l = 0; l < LEVELS && t == NULL; l++)
		t = pick(&rq->level[l], me);
	spin_unlock(&rq->lock);
	return t != NULL;
}

static bool anything_to_run(int me)
{
	for (int cpu = 0; cpu < cpu_count(); cpu++)
		if (queue_length(cpu) && (cpu == me || has_work_for(&runqs[cpu], me)))
			return true;
	return false;
}

/* Accounts the stretch that ends now. */
static void account(struct thread *prev, struct thread *next, uint64_t now)
{
	struct runq *rq = &runqs[cpu_id()];
	uint64_t ran = now > prev->switched_in_ns ? now - prev->switched_in_ns : 0;

	prev->cpu_ns += ran;
	prev->boost_used_ns += ran;
	next->switched_in_ns = now;
	next->switches++;
	if (prev->idle && rq->idle_since_ns) {
		rq->idle_ns += now - rq->idle_since_ns;
		rq->idle_since_ns = 0;
	}
	if (next->idle)
		rq->idle_since_ns = now;
}

/* First thing after a switch, on the new thread's stack, interrupts off. */
void finish_switch(struct thread *prev)
{
	bool dead = prev->state == THREAD_DEAD;
	int cpu = cpu_id();

	__atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
	if (prev->state == THREAD_RUNNABLE && !prev->idle) {
		if (!may_run(prev, cpu))
			cpu = choose_among(prev);
		enqueue(prev, cpu);
	}
	spin_unlock(&prev->lock);
	if (cpu != cpu_id())
		notify(cpu, prev);
	if (dead)
		thread_reap(prev);
}

void schedule(void)
{
	unsigned long flags = irq_save();
	struct percpu *pc = this_cpu();
	struct runq *rq = &runqs[pc->id];
	struct thread *prev = pc->running, *next;
	uint64_t now;
	bool stay;

	KASSERT(pc->irq_depth == 0);
	thread_check_stack(prev);
	spin_lock(&prev->lock);
	pc->need_resched = false;
	now = clock_now_ns();
	next = dequeue_own(pc->id);
	stay = prev->state == THREAD_RUNNABLE && (prev->idle || may_run(prev, pc->id));
	if (next == NULL && stay && !prev->idle)
		next = prev;
	if (next == NULL)
		next = steal(pc->id);
	if (next == NULL)
		next = stay ? prev : pc->idle_thread;
	if (next->xstate)
		rq->slice_end_ns = now + slice_of(next);
	if (next == prev) {
		spin_unlock(&prev->lock);
		if (next->xstate)
			timer_want_tick(rq->slice_end_ns);
		irq_restore(flags);
		return;
	}
	if (prev->xstate && prev->state == THREAD_RUNNABLE)
		prev->prio = user_level(prev, prev->boost_used_ns);
	if (prev->switch_work)
		__atomic_or_fetch(&prev->work, prev->switch_work, __ATOMIC_SEQ_CST);
	account(prev, next, now);
	/* Idle CPUs need no tick; one that comes in vain finds that out. */
	if (next->xstate)
		timer_want_tick(rq->slice_end_ns);
	next->cpu = pc->id;
	next->on_cpu = true;
	finish_switch(thread_switch(prev, next));
	irq_restore(flags);
}

uint64_t sched_tick(uint64_t now)
{
	struct percpu *pc = this_cpu();
	struct runq *rq = &runqs[pc->id];
	struct thread *t = pc->running;

	if (t->idle || t->xstate == NULL) {
		/* A kernel thread that works for long: let somebody else take what waits here. */
		if (rq->length && !t->idle)
			kick_idle_cpu();
		return rq->length ? now + QUIET_NS : UINT64_MAX;
	}
	if (t->tick_work)
		__atomic_or_fetch(&t->work, t->tick_work, __ATOMIC_SEQ_CST);
	if (t->prio == LEVEL_BOOSTED)
		t->prio = user_level(t, t->boost_used_ns + (now - t->switched_in_ns));
	if (rq->length) {
		if (now >= rq->slice_end_ns || waiting_level(rq) < t->prio)
			pc->need_resched = true;
		kick_idle_cpu();
	}
	if (now >= rq->slice_end_ns)
		rq->slice_end_ns = now + slice_of(t);
	return rq->slice_end_ns;
}

void thread_yield(void)
{
	schedule();
}

void thread_bind(struct thread *t, const struct cpumask *cpus)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	t->bound = false;
	if (cpus) {
		t->cpus = *cpus;
		__atomic_store_n(&t->bound, true, __ATOMIC_RELEASE);
	}
	if (t->on_cpu && !may_run(t, t->cpu))
		ipi_resched(t->cpu);
	spin_unlock_irqrestore(&t->lock, flags);
}

void sched_init_cpu(void)
{
	struct percpu *pc = this_cpu();
	struct thread *t = pc->idle_thread;

	t->on_cpu = true;
	t->state = THREAD_RUNNABLE;
	t->cpu = pc->id;
	pc->running = t;
	runqs[pc->id].up_since_ns = clock_now_ns();
	runqs[pc->id].idle_since_ns = runqs[pc->id].up_since_ns;
	gdt_set_kernel_stack((uint64_t)t->kstack + KSTACK_SIZE);
}

void sched_idle(void)
{
	struct percpu *pc = this_cpu();

	for (;;) {
		irq_disable();
		/* Announced first, looked at then: who queues something after this sends an IPI. */
		cpumask_set(&idle_cpus, pc->id);
		if (__atomic_load_n(&pc->need_resched, __ATOMIC_SEQ_CST) ||
		    anything_to_run(pc->id)) {
			cpumask_clear(&idle_cpus, pc->id);
			schedule();
			irq_enable();
			continue;
		}
		/* STI takes effect after the next instruction: no interrupt between the two. */
		__asm__ volatile("sti; hlt" : : : "memory");
		cpumask_clear(&idle_cpus, pc->id);
	}
}

uint64_t cpu_busy_ns(int cpu)
{
	struct runq *rq = &runqs[cpu];
	uint64_t now = clock_now_ns();
	uint64_t since = __atomic_load_n(&rq->idle_since_ns, __ATOMIC_RELAXED);
	uint64_t idle = __atomic_load_n(&rq->idle_ns, __ATOMIC_RELAXED);

	if (since && now > since)
		idle += now - since;
	return now - rq->up_since_ns > idle ? now - rq->up_since_ns - idle : 0;
}

unsigned sched_runnable(void)
{
	unsigned n = 0;

	for (int cpu = 0; cpu < cpu_count(); cpu++) {
		n += queue_length(cpu);
		if (__atomic_load_n(&runqs[cpu].idle_since_ns, __ATOMIC_RELAXED) == 0)
			n++;
	}
	return n;
}

unsigned sched_load_milli(void)
{
	return __atomic_load_n(&load_milli, __ATOMIC_RELAXED);
}

/* Moving average with a time constant of one second: 1 - exp(-0.1) is near 95/1000. */
static void load_sample(void *arg)
{
	int now = sched_runnable() * 1000;
	int old = load_milli;

	(void)arg;
	__atomic_store_n(&load_milli, old + (now - old) * 95 / 1000, __ATOMIC_RELAXED);
	timer_set(&load_timer, clock_now_ns() + LOAD_INTERVAL_NS, load_sample, NULL);
}

void sched_start_statistics(void)
{
	timer_init(&load_timer);
	timer_set(&load_timer, clock_now_ns() + LOAD_INTERVAL_NS, load_sample, NULL);
}
