/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time since boot, and timers. The clock is the TSC, calibrated at start-up. Timers are kept per
 * CPU in a heap and run by the local APIC's one-shot timer (the PIT where there is no APIC).
 */
#ifndef KERNEL_TIME_CLOCK_H
#define KERNEL_TIME_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_USEC 1000ul
#define NSEC_PER_MSEC 1000000ul
#define NSEC_PER_SEC 1000000000ul

/* Calibrates the TSC. Once, on the boot CPU, interrupts off. */
void clock_init(void);

/* Says what the TSC was when the kernel was entered: the clock's zero. Before everything else. */
void clock_set_start(uint64_t tsc);

/* Nanoseconds since boot, never going back on one CPU. Any context. */
uint64_t clock_now_ns(void);

/* The TSC's frequency. */
uint64_t clock_tsc_hz(void);

/* Busy-waits; any context. */
void clock_delay_us(unsigned us);

/*
 * One timer. Memory belongs to the caller and must be zeroed (or timer_init()ed) before the first
 * use, and not freed while pending. fn runs once, in interrupt context, on the CPU that set it.
 */
struct timer {
	uint64_t deadline_ns;
	void (*fn)(void *arg);
	void *arg;
	struct timer *child, *next, **link;	/* pairing heap; link is NULL when not pending */
	int cpu;				/* whose heap it was last put on */
};

void timer_init(struct timer *t);

/* Arms t, or moves it when it is pending already. Any context; fn may re-arm its own timer. */
void timer_set(struct timer *t, uint64_t deadline_ns, void (*fn)(void *arg), void *arg);

/*
 * Disarms t; true when it was pending. When fn is just running on another CPU, waits for its end,
 * so hold no lock that fn takes. Afterwards t may be freed.
 */
bool timer_cancel(struct timer *t);

#endif
