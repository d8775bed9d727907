/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: per CPU a pairing heap ordered by deadline, and one hardware timer armed for the earliest
 * of that heap and the scheduler's next tick. The hardware is the local APIC's timer, or the 8254
 * where there is no APIC (then there is only one CPU).
 *
 * Pairing heap: a node's first child is `child`, siblings are chained by `next`, and `link` is where
 * the pointer to the node is stored, so that any node can be cut out.
 */
#include <stddef.h>

#include "kernel/cpu/apic.h"
#include "kernel/cpu/interrupt.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/proc/sched.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

#define PIT_HZ 1193182ull
#define PIT_CH0 0x40
#define PIT_MODE 0x43
#define PIT_CH0_MODE0 0x30
#define PIT_CH0_MODE2 0x34
#define PIT_LINE 0

#define NEVER UINT64_MAX
/* The longest sleep of the hardware; waking up in vain is cheap. */
#define LONGEST_NS NSEC_PER_SEC
#define SHORTEST_NS (2 * NSEC_PER_USEC)

struct timer_base {
	spinlock_t lock;
	struct timer *root;
	struct timer *running;	/* its fn is being called on this base's CPU */
	uint64_t tick_ns;	/* when the scheduler wants to be called */
	uint64_t armed_ns;	/* what the hardware is set to, NEVER when it is not */
};

static struct timer_base bases[MAX_CPUS];
static uint64_t apic_ticks_32; /* APIC timer ticks per nanosecond, 32 fraction bits */
static bool ready;

static struct timer *heap_join(struct timer *a, struct timer *b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->deadline_ns < a->deadline_ns) {
		struct timer *t = a;

		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next)
		b->next->link = &b->next;
	a->child = b;
	b->link = &a->child;
	return a;
}

/* Joins a chain of siblings in pairs, then the pairs: what keeps the heap's operations O(log n). */
static struct timer *heap_join_siblings(struct timer *first)
{
	struct timer *pairs = NULL, *result = NULL;

	while (first) {
		struct timer *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = heap_join(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *a = pairs;

		pairs = a->next;
		a->next = NULL;
		result = heap_join(result, a);
	}
	return result;
}

static void root_set(struct timer_base *base, struct timer *t)
{
	base->root = t;
	if (t) {
		t->next = NULL;
		t->link = &base->root;
	}
}

static void heap_remove(struct timer_base *base, struct timer *t)
{
	struct timer *children = heap_join_siblings(t->child);

	if (t == base->root) {
		root_set(base, children);
	} else {
		*t->link = t->next;
		if (t->next)
			t->next->link = t->link;
		root_set(base, heap_join(base->root, children));
	}
	t->child = t->next = NULL;
	t->link = NULL;
}

static void heap_insert(struct timer_base *base, struct timer *t)
{
	t->child = t->next = NULL;
	root_set(base, heap_join(base->root, t));
}

static void hardware_set(uint64_t delta_ns)
{
	if (delta_ns < SHORTEST_NS)
		delta_ns = SHORTEST_NS;
	if (delta_ns > LONGEST_NS)
		delta_ns = LONGEST_NS;
	if (apic_present()) {
		uint64_t ticks = (unsigned __int128)delta_ns * apic_ticks_32 >> 32;

		apic_timer_set(ticks > UINT32_MAX ? UINT32_MAX : ticks ? ticks : 1);
	} else {
		uint64_t ticks = delta_ns * PIT_HZ / NSEC_PER_SEC;

		ticks = ticks > 0xffff ? 0xffff : ticks ? ticks : 1;
		outb(PIT_MODE, PIT_CH0_MODE0);
		outb(PIT_CH0, ticks & 0xff);
		outb(PIT_CH0, ticks >> 8);
	}
}

/* Sets this CPU's hardware to what is needed next, if that is earlier than what it is set to. */
static void rearm(struct timer_base *base)
{
	uint64_t next = base->tick_ns;
	uint64_t now;

	if (!ready)
		return;
	if (base->root && base->root->deadline_ns < next)
		next = base->root->deadline_ns;
	if (next >= base->armed_ns)
		return;
	now = clock_now_ns();
	base->armed_ns = next;
	hardware_set(next > now ? next - now : 0);
}

void timer_init(struct timer *t)
{
	t->child = t->next = NULL;
	t->link = NULL;
	t->cpu = 0;
}

/*
 * Locks the base that t belongs to. t->cpu changes only under the lock of the base it names, so it
 * is looked at again once that is held.
 */
static struct timer_base *base_lock(struct timer *t)
{
	for (;;) {
		int cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct timer_base *base = &bases[cpu];

		spin_lock(&base->lock);
		if (t->cpu == cpu)
			return base;
		spin_unlock(&base->lock);
	}
}

void timer_set(struct timer *t, uint64_t deadline_ns, void (*fn)(void *arg), void *arg)
{
	unsigned long flags = irq_save();
	struct timer_base *base = base_lock(t);
	struct timer_base *mine = &bases[cpu_id()];

	if (t->link)
		heap_remove(base, t);
	/* A callback running elsewhere must stay findable for timer_cancel(): keep its base then. */
	if (base != mine && base->running != t) {
		__atomic_store_n(&t->cpu, cpu_id(), __ATOMIC_RELEASE);
		spin_unlock(&base->lock);
		spin_lock(&mine->lock);
		/* Between the locks only another timer_set() of the same timer could come. */
		KASSERT(t->cpu == cpu_id() && t->link == NULL);
		base = mine;
	}
	t->deadline_ns = deadline_ns;
	t->fn = fn;
	t->arg = arg;
	heap_insert(base, t);
	if (base == mine)
		rearm(base);
	spin_unlock(&base->lock);
	irq_restore(flags);
}

bool timer_cancel(struct timer *t)
{
	bool pending = false;

	for (;;) {
		unsigned long flags = irq_save();
		struct timer_base *base = base_lock(t);
		bool busy;

		if (t->link) {
			heap_remove(base, t);
			pending = true;
		}
		/* Once more when it has run to its end: it may have armed itself again. */
		busy = base->running == t && base != &bases[cpu_id()];
		spin_unlock(&base->lock);
		irq_restore(flags);
		if (!busy)
			return pending;
		cpu_relax();
	}
}

void timer_want_tick(uint64_t at_ns)
{
	struct timer_base *base = &bases[cpu_id()];

	spin_lock(&base->lock);
	base->tick_ns = at_ns;
	rearm(base);
	spin_unlock(&base->lock);
}

void timer_interrupt(void)
{
	struct timer_base *base = &bases[cpu_id()];
	uint64_t now = clock_now_ns();
	uint64_t tick;

	spin_lock(&base->lock);
	while (base->root && base->root->deadline_ns <= now) {
		struct timer *t = base->root;
		void (*fn)(void *) = t->fn;
		void *arg = t->arg;

		heap_remove(base, t);
		base->running = t;
		spin_unlock(&base->lock);
		fn(arg); /* t may be gone when this returns, unless it was set again */
		spin_lock(&base->lock);
		base->running = NULL;
	}
	spin_unlock(&base->lock);
	tick = sched_tick(now);
	spin_lock(&base->lock);
	base->tick_ns = tick;
	base->armed_ns = NEVER;
	rearm(base);
	spin_unlock(&base->lock);
}

void timer_lend(void)
{
	if (apic_present())
		return; /* nobody has touched it */
	/* 18.2 times a second: the count 65536 is written as 0. */
	outb(PIT_MODE, PIT_CH0_MODE2);
	outb(PIT_CH0, 0);
	outb(PIT_CH0, 0);
}

static bool pit_interrupt(void *arg)
{
	(void)arg;
	timer_interrupt();
	return true;
}

/* The APIC timer's rate, against the clock. Some emulators start it late: two points while it runs. */
static void apic_calibrate(void)
{
	uint64_t t0, t1;
	uint32_t left0, left1;

	apic_timer_set(UINT32_MAX);
	clock_delay_us(100);
	t0 = clock_now_ns();
	left0 = apic_timer_left();
	clock_delay_us(10000);
	t1 = clock_now_ns();
	left1 = apic_timer_left();
	apic_timer_set(0);
	if (left0 == left1)
		panic("the local APIC's timer stands still");
	apic_ticks_32 = ((uint64_t)(left0 - left1) << 32) / (t1 - t0);
}

void timer_init_hardware(void)
{
	for (int i = 0; i < MAX_CPUS; i++)
		bases[i].armed_ns = bases[i].tick_ns = NEVER;
	if (apic_present())
		apic_calibrate();
	else
		irq_register(PIT_LINE, pit_interrupt, NULL);
	ready = true;
}
