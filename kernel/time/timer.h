/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between clock, timers and scheduler.
 */
#ifndef KERNEL_TIME_TIMER_H
#define KERNEL_TIME_TIMER_H

#include <stdint.h>

/* Chooses and calibrates the interrupt source. After clock_init(), apic_init_cpu(), irq_init(). */
void timer_init_hardware(void);

/* Makes sure that this CPU's timer interrupt comes no later than at_ns. Interrupts off. */
void timer_want_tick(uint64_t at_ns);

/* Lets the 8254 tick as a BIOS expects it, until the next timer interrupt. Interrupts off. */
void timer_lend(void);

#endif
