/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted messages to the consoles and the log. Lines of different CPUs do not mix.
 */
#include "kernel/kprintf.h"

#include <stdio.h>

#include "drivers/console/console.h"
#include "kernel/klog.h"
#include "kernel/panic.h"
#include "kernel/sync/spinlock.h"

static spinlock_t console_lock = SPINLOCK_INIT;

void kvprintf(const char *fmt, va_list ap)
{
	char buf[512];
	int len = vsnprintf(buf, sizeof(buf), fmt, ap);
	unsigned long flags;

	if (len < 0)
		return;
	if (len >= (int)sizeof(buf))
		len = sizeof(buf) - 1;
	/* In a panic the holder of the lock may be stopped for ever: write without it. */
	if (panic_in_progress()) {
		klog_append(buf, len);
		console_write(buf, len);
		return;
	}
	flags = spin_lock_irqsave(&console_lock);
	klog_append(buf, len);
	console_write(buf, len);
	spin_unlock_irqrestore(&console_lock, flags);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}
