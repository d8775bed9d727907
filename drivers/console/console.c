/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where messages go: every console that exists and that console= does not exclude.
 */
#include "drivers/console/console.h"

#include <string.h>

#include "kernel/settings.h"

static bool use_serial, use_vga;

void console_init(void)
{
	const char *only = setting_get("console");

	if (only == NULL || strcmp(only, "vga") != 0)
		use_serial = serial_init();
	if (only == NULL || strcmp(only, "serial") != 0) {
		vga_init();
		use_vga = true;
	}
}

void console_write(const char *s, size_t len)
{
	if (use_serial)
		serial_write(s, len);
	if (use_vga)
		vga_write(s, len);
}

int console_getc(void)
{
	return use_serial ? serial_getc() : -1;
}
