/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace ring: what happened last, for the panic report. Writers on different CPUs take
 * different slots, so there is no lock; a slot overtaken by a whole round may show a mixed line.
 */
#include <stdio.h>

#include "kernel/cpu/percpu.h"
#include "kernel/kprintf.h"
#include "kernel/time/clock.h"

#define TRACE_SLOTS 256

struct trace_slot {
	uint64_t when_ns;
	int cpu;
	char text[96];
};

static struct trace_slot ring[TRACE_SLOTS];
static uint32_t written;

void trace(const char *fmt, ...)
{
	uint32_t n = __atomic_fetch_add(&written, 1, __ATOMIC_RELAXED);
	struct trace_slot *slot = &ring[n % TRACE_SLOTS];
	va_list ap;

	slot->when_ns = clock_now_ns();
	slot->cpu = cpu_id();
	va_start(ap, fmt);
	vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
	va_end(ap);
}

void trace_dump(unsigned max)
{
	uint32_t end = __atomic_load_n(&written, __ATOMIC_RELAXED);
	uint32_t n = end < TRACE_SLOTS ? end : TRACE_SLOTS;

	if (n > max)
		n = max;
	if (n)
		kprintf("last %u trace entries:\n", (unsigned)n);
	for (uint32_t i = end - n; i != end; i++) {
		const struct trace_slot *slot = &ring[i % TRACE_SLOTS];

		kprintf("  %6lu.%06lu cpu%d %s\n", slot->when_ns / NSEC_PER_SEC,
			slot->when_ns / NSEC_PER_USEC % 1000000, slot->cpu, slot->text);
	}
}
