/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted messages to the consoles and the log. What one call prints stays together.
 */
#include "kernel/kprintf.h"

#include <stdio.h>

#include "drivers/console/console.h"

void kvprintf(const char *fmt, va_list ap)
{
	char buf[512];
	int len = vsnprintf(buf, sizeof(buf), fmt, ap);

	if (len < 0)
		return;
	if (len >= (int)sizeof(buf))
		len = sizeof(buf) - 1;
	console_write(buf, len);
}

void kprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
}
