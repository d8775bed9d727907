/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first serial port (16550 at 0x3f8), 115200 baud, 8N1, polled.
 */
#include "drivers/console/console.h"
#include "kernel/cpu/x86.h"

#define PORT 0x3f8
#define REG_DATA (PORT + 0)
#define REG_IER (PORT + 1)
#define REG_FCR (PORT + 2)
#define REG_LCR (PORT + 3)
#define REG_MCR (PORT + 4)
#define REG_LSR (PORT + 5)

#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define FCR_ENABLE_CLEAR 0x07
#define MCR_DTR_RTS 0x03
#define MCR_LOOP 0x10
#define LSR_DATA 0x01
#define LSR_THR_EMPTY 0x20

/* A line that never drains must not stop the kernel: this many polls, then the byte is dropped. */
#define DRAIN_POLLS 100000

bool serial_init(void)
{
	outb(REG_IER, 0);
	outb(REG_LCR, LCR_DLAB | LCR_8N1);
	outb(REG_DATA, 1); /* divisor 1: 115200 baud */
	outb(REG_IER, 0);
	outb(REG_LCR, LCR_8N1);
	outb(REG_FCR, FCR_ENABLE_CLEAR);
	/* What is sent in loop mode comes back if there is a chip at all. */
	outb(REG_MCR, MCR_LOOP);
	outb(REG_DATA, 0x5a);
	for (int i = 0; i < 1000 && !(inb(REG_LSR) & LSR_DATA); i++)
		cpu_relax();
	bool present = inb(REG_DATA) == 0x5a;

	outb(REG_MCR, MCR_DTR_RTS);
	return present;
}

static void serial_putc(char c)
{
	for (int i = 0; i < DRAIN_POLLS && !(inb(REG_LSR) & LSR_THR_EMPTY); i++)
		cpu_relax();
	outb(REG_DATA, c);
}

void serial_write(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n')
			serial_putc('\r');
		serial_putc(s[i]);
	}
}

int serial_getc(void)
{
	return inb(REG_LSR) & LSR_DATA ? inb(REG_DATA) : -1;
}
