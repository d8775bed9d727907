/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core's own parts need to know about a panic; everybody else uses kprintf.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

/* Some CPU is panicking, or switches the machine off: take no locks, wait for nobody. */
bool panic_in_progress(void);

/*
 * Stops all other CPUs for good, and shows the log on every console: from here on there is nothing but
 * kprintf(). False if this CPU has done so before. Any context.
 */
bool machine_stop_others(void);

#endif
