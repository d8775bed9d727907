/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts between CPUs.
 */
#ifndef KERNEL_CPU_IPI_H
#define KERNEL_CPU_IPI_H

#include <stdbool.h>

#include "kernel/cpu/percpu.h"

/*
 * Runs fn(arg) on every online CPU in mask except the calling one (call it yourself), in interrupt
 * context. With wait, returns after all are done; without, when they have been told. Thread
 * context, interrupts enabled. fn must not take locks: a CPU that spins for a lock with interrupts
 * off answers too.
 */
void ipi_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait);

/* The same for all online CPUs but this one. */
void ipi_call_others(void (*fn)(void *arg), void *arg, bool wait);

/* Makes the CPU look at its run queue and its thread's work bits. Any context. */
void ipi_resched(int cpu);

/* Answers calls that are waiting for this CPU; for loops that spin with interrupts off. */
void ipi_poll(void);

#endif
