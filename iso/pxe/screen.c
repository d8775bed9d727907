/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader's messages, and its end if it cannot go on. */
#include <stdarg.h>

#include "iso/pxe/pxe.h"

#define TICKS_PER_S 18
#define RESTART_S   15

static void put_char(char c)
{
	struct bios_regs r = { .eax = 0x0e00 | (uint8_t)c, .ebx = 7 };

	if (c == '\n')
		put_char('\r');
	bios_call(0x10, &r);
}

static void put_number(unsigned value)
{
	if (value > 9)
		put_number(value / 10);
	put_char('0' + value % 10);
}

static void put_bytes(const uint8_t *bytes, unsigned count, char between)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < count; i++) {
		if (i)
			put_char(between);
		if (between == '.') {
			put_number(bytes[i]);
			continue;
		}
		put_char(digits[bytes[i] >> 4]);
		put_char(digits[bytes[i] & 15]);
	}
}

void put_text(const char *fmt, ...)
{
	const char *s;
	uint32_t ip;
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put_char(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			for (s = va_arg(ap, const char *); *s; s++)
				put_char(*s);
			break;
		case 'u':
			put_number(va_arg(ap, unsigned));
			break;
		case 'i':
			ip = va_arg(ap, uint32_t);
			put_bytes((const uint8_t *)&ip, 4, '.');
			break;
		case 'm':
			put_bytes(va_arg(ap, const uint8_t *), 6, ':');
			break;
		}
	}
	va_end(ap);
}

void wait_ticks(unsigned ticks)
{
	uint32_t start = bios_ticks;

	while (bios_ticks - start < ticks)
		__asm__ volatile("hlt");
}

void fail(const char *why)
{
	put_text("\nMuster: %s\nMuster: starting anew in %u s\n", why, RESTART_S);
	wait_ticks(RESTART_S * TICKS_PER_S);
	bios_warm_start = 0x1234;
	__asm__ volatile("ljmpw $0xffff, $0");
	__builtin_unreachable();
}
