/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core's own parts need to know about a panic; everybody else uses kprintf.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

/* Some CPU is panicking: take no locks, wait for nobody. */
bool panic_in_progress(void);

#endif
