/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls between CPUs. Each CPU has one call slot: what it asks of others now. A target learns who
 * asks from a bitmap, runs the call and counts the caller's slot down.
 */
#include "kernel/cpu/ipi.h"

#include "kernel/cpu/apic.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/panic.h"
#include "kernel/time/clock.h"

#define STUCK_NS (30 * NSEC_PER_SEC)

struct call_slot {
	void (*fn)(void *arg);
	void *arg;
	uint32_t outstanding; /* targets that have not finished */
};

static struct call_slot slots[MAX_CPUS];
static struct cpumask callers[MAX_CPUS]; /* per target: whose slots wait for it */

void ipi_poll(void)
{
	int me = cpu_id();

	cpumask_for_each(from, &callers[me]) {
		struct call_slot *s = &slots[from];

		/* An interrupt may have come between and served it. */
		uint64_t bit = 1ull << (from % 64);

		if (!(__atomic_fetch_and(&callers[me].bits[from / 64], ~bit, __ATOMIC_SEQ_CST) & bit))
			continue;
		s->fn(s->arg);
		__atomic_sub_fetch(&s->outstanding, 1, __ATOMIC_SEQ_CST);
	}
}

static void slot_wait(struct call_slot *s)
{
	uint64_t give_up = 0;
	unsigned spins = 0;

	while (__atomic_load_n(&s->outstanding, __ATOMIC_SEQ_CST)) {
		ipi_poll(); /* two CPUs that call each other */
		cpu_relax();
		if (++spins % 1024)
			continue;
		if (give_up == 0)
			give_up = clock_now_ns() + STUCK_NS;
		else if (clock_now_ns() > give_up && !panic_in_progress())
			panic("%u CPUs do not answer a call", s->outstanding);
	}
}

void ipi_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait)
{
	int me = cpu_id();
	struct call_slot *s = &slots[me];
	struct cpumask targets = { { 0 } };
	uint32_t n = 0;

	KASSERT(!in_interrupt());
	slot_wait(s); /* the last call of this CPU, if it did not wait */
	cpumask_for_each(cpu, mask) {
		if (cpu != me && cpu < cpu_count()) {
			cpumask_set(&targets, cpu);
			n++;
		}
	}
	if (n == 0)
		return;
	s->fn = fn;
	s->arg = arg;
	__atomic_store_n(&s->outstanding, n, __ATOMIC_SEQ_CST);
	cpumask_for_each(cpu, &targets) {
		cpumask_set(&callers[cpu], me);
		apic_send(cpu_percpu(cpu)->apic_id, VECTOR_IPI_CALL);
	}
	if (wait)
		slot_wait(s);
}

void ipi_call_others(void (*fn)(void *arg), void *arg, bool wait)
{
	struct cpumask all = { { 0 } };

	for (int cpu = 0; cpu < cpu_count(); cpu++)
		cpumask_set(&all, cpu);
	ipi_call(&all, fn, arg, wait);
}

void ipi_resched(int cpu)
{
	struct percpu *pc = cpu_percpu(cpu);

	if (pc == NULL)
		return;
	__atomic_store_n(&pc->need_resched, true, __ATOMIC_SEQ_CST);
	if (pc != this_cpu())
		apic_send(pc->apic_id, VECTOR_RESCHED);
}
