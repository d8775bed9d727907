/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making, switching and ending threads.
 */
#include "kernel/proc/thread.h"

#include <string.h>

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/interrupt.h"
#include "kernel/cpu/ipi.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page.h"
#include "kernel/panic.h"
#include "kernel/proc/switch.h"

/* At the lowest address of each kernel stack: overwritten by an overflow. */
#define STACK_MAGIC 0x5ac4ed90570957afull

/* With CONFIG_SELFTEST stacks begin full of this, which shows how deep they were used. */
#define STACK_FILL 0xa5

/* What context_switch() pops: r15 r14 r13 r12 rbx rbp and the return address. */
#define SWITCH_FRAME_WORDS 7

extern char thread_start[];
struct thread *context_switch(struct thread *prev, struct thread *next);

static spinlock_t all_lock = SPINLOCK_INIT;
static struct list_head all_threads = LIST_HEAD_INIT(all_threads);
static uint64_t next_id;
static unsigned count; /* of all_threads; by all_lock */

static spinlock_t dead_lock = SPINLOCK_INIT;
static struct list_head dead_threads = LIST_HEAD_INIT(dead_threads);
static struct waitq dead_waitq = WAITQ_INIT(dead_waitq);

__attribute__((weak)) void user_thread_free(struct thread *t)
{
	(void)t;
}

__attribute__((weak)) void mm_activate(struct mm *mm)
{
	write_cr3(kmap_cr3());
	this_cpu()->active_mm = mm;
}

static uint64_t stack_top(const struct thread *t)
{
	return (uint64_t)t->kstack + KSTACK_SIZE;
}

struct trapframe *thread_trapframe(struct thread *t)
{
	return (struct trapframe *)(stack_top(t) - sizeof(struct trapframe));
}

void thread_check_stack(const struct thread *t)
{
	if (*(const uint64_t *)t->kstack != STACK_MAGIC)
		panic("kernel stack of thread \"%s\" has overflowed", t->name);
}

static struct thread *thread_alloc(const char *name)
{
	struct thread *t = kzalloc(sizeof(*t));
	struct page *stack = page_alloc(KSTACK_ORDER);
	unsigned long flags;

	if (t == NULL || stack == NULL) {
		kfree(t);
		if (stack)
			page_put(stack);
		return NULL;
	}
	t->kstack = page_virt(stack);
#ifdef CONFIG_SELFTEST
	memset(t->kstack, STACK_FILL, KSTACK_SIZE);
#endif
	*(uint64_t *)t->kstack = STACK_MAGIC;
	spin_init(&t->lock);
	t->state = THREAD_NEW;
	t->refs = 1;
	t->xstate_cpu = -1;
	t->cpu = cpu_id();
	strncpy(t->name, name, sizeof(t->name) - 1);
	list_init(&t->run_link);
	flags = spin_lock_irqsave(&all_lock);
	t->id = ++next_id;
	list_add_tail(&t->all_link, &all_threads);
	count++;
	spin_unlock_irqrestore(&all_lock, flags);
	return t;
}

/* The first switch to t goes to thread_start. Leaves room for the user's trapframe at the top. */
static void stack_prepare(struct thread *t)
{
	uint64_t *sp = (uint64_t *)thread_trapframe(t);

	memset(sp, 0, sizeof(struct trapframe));
	*--sp = 0; /* keeps the stack aligned as after a call */
	*--sp = (uint64_t)thread_start;
	for (int i = 1; i < SWITCH_FRAME_WORDS; i++)
		*--sp = 0;
	t->ksp = (uint64_t)sp;
}

/* C side of thread_start. Interrupts are off; prev is whom this thread came after. */
void thread_first_run(struct thread *prev)
{
	struct thread *t = current;

	finish_switch(prev);
	if (t->fn == NULL)
		thread_enter_user();
	irq_enable();
	t->fn(t->arg);
	thread_exit();
}

struct thread *idle_thread_create(int cpu)
{
	struct thread *t = thread_alloc("idle");

	if (t == NULL)
		return NULL;
	t->idle = true;
	t->cpu = cpu;
	return t;
}

struct thread *kthread_create(const char *name, void (*fn)(void *arg), void *arg)
{
	struct thread *t = thread_alloc(name);

	if (t == NULL)
		return NULL;
	t->fn = fn;
	t->arg = arg;
	stack_prepare(t);
	thread_wake(t);
	return t;
}

struct thread *uthread_create(const char *name, struct proc *proc, struct mm *mm)
{
	struct thread *t = thread_alloc(name);
	struct trapframe *tf;

	if (t == NULL)
		return NULL;
	t->xstate = fpu_state_alloc();
	if (t->xstate == NULL) {
		thread_put(t);
		return NULL;
	}
	t->proc = proc;
	t->mm = mm;
	stack_prepare(t);
	tf = thread_trapframe(t);
	tf->cs = USER_CS;
	tf->ss = USER_SS;
	tf->rflags = RFLAGS_IF;
	return t;
}

void thread_put(struct thread *t)
{
	unsigned long flags;

	if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	user_thread_free(t);
	flags = spin_lock_irqsave(&all_lock);
	list_del(&t->all_link);
	count--;
	spin_unlock_irqrestore(&all_lock, flags);
	fpu_state_free(t->xstate);
	page_put(virt_page(t->kstack));
	kfree(t);
}

void thread_enter_user(void)
{
	trap_enter_user(thread_trapframe(current));
}

void thread_exit(void)
{
	irq_disable();
	spin_lock(&current->lock);
	current->state = THREAD_DEAD;
	spin_unlock(&current->lock);
	schedule();
	panic("a dead thread was scheduled");
}

/* In the scheduler, interrupts off: the freeing itself may need to sleep and is done elsewhere. */
void thread_reap(struct thread *t)
{
	spin_lock(&dead_lock);
	list_add_tail(&t->run_link, &dead_threads);
	spin_unlock(&dead_lock);
	waitq_wake_one(&dead_waitq);
}

static struct thread *dead_pop(void)
{
	struct thread *t = NULL;
	unsigned long flags = spin_lock_irqsave(&dead_lock);

	if (!list_empty(&dead_threads)) {
		t = list_first_entry(&dead_threads, struct thread, run_link);
		list_del(&t->run_link);
	}
	spin_unlock_irqrestore(&dead_lock, flags);
	return t;
}

static void reaper_main(void *arg)
{
	struct thread *t;

	(void)arg;
	for (;;) {
		wait_event(&dead_waitq, (t = dead_pop()) != NULL);
		thread_put(t);
	}
}

void thread_start_reaper(void)
{
	if (kthread_create("reaper", reaper_main, NULL) == NULL)
		panic("no memory for the first threads");
}

static unsigned stack_used(const struct thread *t)
{
#ifdef CONFIG_SELFTEST
	unsigned unused = sizeof(uint64_t);

	while (unused < KSTACK_SIZE && t->kstack[unused] == STACK_FILL)
		unused++;
	return KSTACK_SIZE - unused;
#else
	(void)t;
	return 0;
#endif
}

unsigned thread_count(void)
{
	return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

void thread_dump(void)
{
	static const char *const states[] = { "new", "runnable", "blocked", "dead" };
	struct thread *t;

	/* No lock in a panic: its holder may be stopped. */
	unsigned long flags = panic_in_progress() ? irq_save() : spin_lock_irqsave(&all_lock);

	kprintf("threads:\n");
	list_for_each_entry(t, &all_threads, all_link) {
		kprintf("  %4lu %-16s %-8s cpu%d %6lu ms, %lu switches", t->id, t->name,
			states[t->state & 3], t->cpu, t->cpu_ns / NSEC_PER_MSEC, t->switches);
		if (stack_used(t))
			kprintf(", stack %u", stack_used(t));
		kprintf("\n");
	}
	if (panic_in_progress())
		irq_restore(flags);
	else
		spin_unlock_irqrestore(&all_lock, flags);
}

void thread_block_prepare(void)
{
	__atomic_store_n(&current->state, THREAD_BLOCKED, __ATOMIC_SEQ_CST);
}

void thread_block_cancel(void)
{
	__atomic_store_n(&current->state, THREAD_RUNNABLE, __ATOMIC_SEQ_CST);
}

void sleep_until(uint64_t deadline_ns)
{
	struct waitq nobody = WAITQ_INIT(nobody);

	wait_event_timeout(&nobody, false, deadline_ns);
}

void thread_set_work(struct thread *t, uint32_t bits)
{
	__atomic_or_fetch(&t->work, bits, __ATOMIC_SEQ_CST);
	if (t == current)
		return;
	if (__atomic_load_n(&t->on_cpu, __ATOMIC_SEQ_CST))
		ipi_resched(t->cpu);
	if (bits & THREAD_WORK_INTERRUPTS)
		thread_wake_blocked(t);
}

uint64_t thread_cpu_ns(struct thread *t)
{
	uint64_t used = __atomic_load_n(&t->cpu_ns, __ATOMIC_RELAXED);
	uint64_t since = __atomic_load_n(&t->switched_in_ns, __ATOMIC_RELAXED);
	uint64_t now = clock_now_ns();

	return t->on_cpu && now > since ? used + (now - since) : used;
}

/* --- user register state beyond the trapframe ---------------------------------------------------- */

static uint64_t fs_base_read(void)
{
	uint64_t v;

	if (!CPU_HAS_FSGSBASE)
		return rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}

static void fs_base_write(uint64_t v)
{
	if (CPU_HAS_FSGSBASE)
		__asm__ volatile("wrfsbase %0" : : "r"(v));
	else
		wrmsr(MSR_FS_BASE, v);
}

static void user_state_save(struct thread *t)
{
	segments_save(t);
	t->fs_base = fs_base_read();
	t->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	fpu_save(t->xstate);
	t->xstate_cpu = cpu_id();
	this_cpu()->fpu_owner = t;
}

static void user_state_load(struct thread *t)
{
	struct percpu *pc = this_cpu();

	segments_load(t);
	fs_base_write(t->fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, t->gs_base);
	if (pc->fpu_owner != t || t->xstate_cpu != pc->id) {
		fpu_restore(t->xstate);
		pc->fpu_owner = t;
		t->xstate_cpu = pc->id;
	}
}

void thread_state_save(void)
{
	unsigned long flags = irq_save();

	user_state_save(current);
	irq_restore(flags);
}

void thread_state_load(void)
{
	unsigned long flags = irq_save();

	current->xstate_cpu = -1;
	user_state_load(current);
	irq_restore(flags);
}

void thread_state_changed(struct thread *t)
{
	t->xstate_cpu = -1;
}

struct thread *thread_switch(struct thread *prev, struct thread *next)
{
	struct percpu *pc = this_cpu();

	if (prev->xstate)
		user_state_save(prev);
	pc->running = next;
	gdt_set_kernel_stack(stack_top(next));
	mm_activate(next->mm);
	if (next->xstate)
		user_state_load(next);
	return context_switch(prev, next);
}
