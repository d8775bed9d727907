/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC keyboard at its controller (Intel 8042; "IBM PS/2 Hardware Interface Technical Reference",
 * keyboard and auxiliary device controller). Firmware shows USB keyboards as one, too, until
 * somebody drives their host controller; we do not. Under UEFI it often ends that when the loader
 * leaves.
 */
#include "drivers/console/backends.h"
#include "drivers/console/ring.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/x86.h"
#include "kernel/panic.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

#define LINE 1
#define PORT_DATA 0x60
#define PORT_STATUS 0x64 /* when read */
#define PORT_COMMAND 0x64

#define STATUS_DATA 0x01  /* there is a byte for us */
#define STATUS_FULL 0x02  /* what we wrote has not been taken */
#define STATUS_MOUSE 0x20 /* the byte is the auxiliary device's */

#define COMMAND_READ_MODE 0x20
#define COMMAND_WRITE_MODE 0x60
#define MODE_INTERRUPT 0x01
#define MODE_NO_KEYBOARD 0x10
#define MODE_TRANSLATE 0x40 /* to scan code set 1 */
#define KEYBOARD_ENABLE 0xf4

#define TIMEOUT_US 20000
#define BYTES_AT_ONCE 32

static struct ring input;
static spinlock_t input_lock = SPINLOCK_INIT; /* puts */
static bool present;

static bool wait_status(uint8_t mask, uint8_t want)
{
	for (int us = 0; us < TIMEOUT_US; us += 10) {
		if ((inb(PORT_STATUS) & mask) == want)
			return true;
		clock_delay_us(10);
	}
	return false;
}

static bool write_to(uint16_t port, uint8_t byte)
{
	if (!wait_status(STATUS_FULL, 0))
		return false;
	outb(port, byte);
	return true;
}

static bool receive(void)
{
	uint8_t status;
	bool any = false, locked = !panic_in_progress();

	if (locked)
		spin_lock(&input_lock);
	for (int i = 0; i < BYTES_AT_ONCE && (status = inb(PORT_STATUS)) & STATUS_DATA; i++) {
		uint8_t byte = inb(PORT_DATA);

		any = true;
		if (!(status & STATUS_MOUSE))
			ring_put(&input, byte);
	}
	if (locked)
		spin_unlock(&input_lock);
	return any;
}

static bool keyboard_interrupt(void *arg)
{
	(void)arg;
	if (receive())
		console_input_arrived();
	/* With nothing there a thread was faster; the line is ours alone. */
	return true;
}

/*
 * What the firmware left is mostly right already; under UEFI the keyboard may never have been
 * started.
 */
static void set_mode(void)
{
	uint8_t mode;

	if (!write_to(PORT_COMMAND, COMMAND_READ_MODE) || !wait_status(STATUS_DATA, STATUS_DATA))
		return;
	mode = inb(PORT_DATA);
	mode = (mode | MODE_INTERRUPT | MODE_TRANSLATE) & ~MODE_NO_KEYBOARD;
	if (write_to(PORT_COMMAND, COMMAND_WRITE_MODE) && write_to(PORT_DATA, mode))
		write_to(PORT_DATA, KEYBOARD_ENABLE);
}

void keyboard_start(void)
{
	/* Where there is no controller, nobody answers. */
	if (inb(PORT_STATUS) == 0xff)
		return;
	/* Before anybody else takes bytes from it. */
	receive(); /* what the loader has left */
	set_mode();
	present = irq_register(LINE, keyboard_interrupt, NULL) == 0;
}

void keyboard_wait_alone(void)
{
	if (apic_present())
		apic_timer_set(0);
	irq_leave_only(LINE);
	/* STI takes effect after the next instruction: no interrupt between the two. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

int keyboard_input(void)
{
	int byte = ring_take(&input);
	unsigned long flags;

	if (byte >= 0 || !present)
		return byte;
	/* Nothing, or the interrupt does not come on this machine. */
	flags = irq_save();
	receive();
	irq_restore(flags);
	return ring_take(&input);
}
