/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rest of the core tells the scheduler, and its statistics.
 */
#ifndef KERNEL_PROC_SCHED_H
#define KERNEL_PROC_SCHED_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* Before the first kthread_create(): prepares all run queues. */
void sched_init(void);

/* Makes the running start-up code this CPU's idle thread. */
void sched_init_cpu(void);

/* The idle loop; entered once per CPU at the end of its start-up. */
void sched_idle(void) __attribute__((noreturn));

/* Starts the load average; needs timers. */
void sched_start_statistics(void);

/* From the CPU's timer interrupt: the running thread's slice may be over. Returns the time at
 * which the scheduler wants the next one, UINT64_MAX for never. */
uint64_t sched_tick(uint64_t now_ns);

/* Time that the CPU spent on anything but idling since it came up. */
uint64_t cpu_busy_ns(int cpu);

/* Running and waiting-to-run threads: now, and as a 1 s moving average times 1000. */
unsigned sched_runnable(void);
unsigned sched_load_milli(void);

#endif
