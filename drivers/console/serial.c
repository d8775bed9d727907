/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first serial port (16550 at 0x3f8; National Semiconductor PC16550D), 115200 baud, 8N1. Output
 * is polled, so that it works in any context; input comes by interrupt 4. Also the terminal at its
 * other end, which is taken for a VT100.
 */
#include "drivers/console/ansi.h"
#include "drivers/console/backends.h"
#include "drivers/console/ring.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/x86.h"
#include "kernel/panic.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

#define PORT 0x3f8
#define LINE 4
#define REG_DATA (PORT + 0)
#define REG_IER (PORT + 1)
#define REG_IIR (PORT + 2) /* when read */
#define REG_FCR (PORT + 2) /* when written */
#define REG_LCR (PORT + 3)
#define REG_MCR (PORT + 4)
#define REG_LSR (PORT + 5)

#define LCR_8N1 0x03
#define LCR_DLAB 0x80
#define IER_DATA 0x01
#define IIR_FIFOS 0xc0
#define FCR_ENABLE_CLEAR 0x07
#define MCR_DTR_RTS 0x03
#define MCR_OUT2 0x08 /* lets the interrupt out, on PCs */
#define MCR_LOOP 0x10
#define LSR_DATA 0x01
#define LSR_THR_EMPTY 0x20

#define FIFO_SIZE 16
/* A line that never drains must not stop the kernel: this many polls, then the byte is dropped. */
#define DRAIN_POLLS 100000
/* The same for threads: a full FIFO is sent in 1.4 ms. */
#define DRAIN_SLEEPS 100

static struct ring input;
static spinlock_t input_lock = SPINLOCK_INIT; /* puts */
static unsigned fifo_size;

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

	/* An 8250 has no FIFOs, and shows zeros here. */
	fifo_size = (inb(REG_IIR) & IIR_FIFOS) == IIR_FIFOS ? FIFO_SIZE : 1;
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

void serial_write_slowly(const char *s, size_t len)
{
	while (len) {
		unsigned n = len < fifo_size ? len : fifo_size;

		for (int i = 0; i < DRAIN_SLEEPS && !(inb(REG_LSR) & LSR_THR_EMPTY); i++)
			sleep_until(clock_now_ns() + NSEC_PER_MSEC);
		len -= n;
		while (n--)
			outb(REG_DATA, *s++);
	}
}

/* --- input ------------------------------------------------------------------------------------ */

/* Moves what the chip has into the ring; true if there was anything. Interrupts off. */
static bool receive(void)
{
	bool any = false, locked = !panic_in_progress();

	if (locked)
		spin_lock(&input_lock);
	/* Bounded: a port that vanishes reads as all ones. */
	for (int i = 0; i < 4 * FIFO_SIZE && inb(REG_LSR) & LSR_DATA; i++) {
		ring_put(&input, inb(REG_DATA));
		any = true;
	}
	if (locked)
		spin_unlock(&input_lock);
	return any;
}

static bool serial_interrupt(void *arg)
{
	(void)arg;
	if (receive())
		console_input_arrived();
	/* With nothing there a thread was faster; the line is ours alone. */
	return true;
}

void serial_input_start(void)
{
	if (irq_register(LINE, serial_interrupt, NULL))
		return;
	outb(REG_MCR, MCR_DTR_RTS | MCR_OUT2);
	outb(REG_IER, IER_DATA);
	/* What came before is an edge that nobody saw. */
	serial_interrupt(NULL);
}

int serial_input(void)
{
	int byte = ring_take(&input);
	unsigned long flags;

	if (byte >= 0)
		return byte;
	/* Nothing, or the interrupt does not come on this machine. */
	flags = irq_save();
	receive();
	irq_restore(flags);
	return ring_take(&input);
}

/* --- the terminal ----------------------------------------------------------------------------- */

#define TERMINAL_ROWS 24
#define TERMINAL_COLUMNS 80

static struct ansi terminal = { .send = serial_write_slowly };

static void terminal_draw(unsigned row, unsigned column, const uint16_t *cells, unsigned n)
{
	ansi_draw(&terminal, row, column, cells, n);
}

static void terminal_clear(void)
{
	ansi_clear(&terminal);
}

static void terminal_cursor(int row, int column)
{
	ansi_cursor(&terminal, row, column);
}

const struct display serial_display = {
	.rows = TERMINAL_ROWS,
	.columns = TERMINAL_COLUMNS,
	.draw = terminal_draw,
	.clear = terminal_clear,
	.cursor = terminal_cursor,
	.gap = ANSI_GAP,
};

void serial_leave_screen(void)
{
	ansi_leave(&terminal);
}
