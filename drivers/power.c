/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switches the machine off (ACPI specification, 4.8.3.2 and 7.4.2) or resets it (4.8.3.6). \_PTS
 * and \_GTS, by which firmware would like to be told before, are AML and are not run: for S5 few do
 * anything there. APM, which older machines have, is real-mode or 32-bit code, out of reach of a
 * 64-bit kernel.
 */
#include "drivers/power.h"

#include <stdbool.h>

#include "kernel/cpu/acpi.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/panic.h"
#include "kernel/time/clock.h"

/* PM1 control register. */
#define PM1_SCI_EN 1u
#define PM1_SLP_TYP_SHIFT 10
#define PM1_SLP_TYP (7u << PM1_SLP_TYP_SHIFT)
#define PM1_SLP_EN (1u << 13)

/* How long firmware may take to hand its hardware over. Linux has found 3 s to be needed, too. */
#define ACPI_ENABLE_US 3000000
#define OFF_US 3000000
#define STEP_US 1000

#define PCI_CONFIG_ADDRESS 0xcf8
#define PCI_CONFIG_DATA 0xcfc
#define KEYBOARD_STATUS 0x64
#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_BUSY 2
#define KEYBOARD_PULSE_RESET 0xfe
#define RESET_US 50000

static void halt(void) __attribute__((noreturn));

static void halt(void)
{
	irq_disable();
	for (;;)
		__asm__ volatile("hlt");
}

/* --- reset ------------------------------------------------------------------------------------ */

static void reset_by_acpi(void)
{
	uint8_t value = acpi_info.reset_value;

	if (acpi_info.reset_port) {
		outb(acpi_info.reset_port, value);
	} else if (acpi_info.reset_memory) {
		*acpi_info.reset_memory = value;
	} else if (acpi_info.reset_pci) {
		outl(PCI_CONFIG_ADDRESS, acpi_info.reset_pci & ~3u);
		outb(PCI_CONFIG_DATA + (acpi_info.reset_pci & 3), value);
	} else {
		return;
	}
	clock_delay_us(RESET_US);
}

static void reset_by_keyboard(void)
{
	for (int i = 0; i < 1000 && (inb(KEYBOARD_STATUS) & KEYBOARD_BUSY); i++)
		cpu_relax();
	outb(KEYBOARD_COMMAND, KEYBOARD_PULSE_RESET);
	clock_delay_us(RESET_US);
}

/*
 * An interrupt without a table to find its handler in: a shutdown cycle, which the chip set turns
 * into a reset.
 */
static void reset_by_triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

void machine_reboot(void)
{
	irq_disable();
	reset_by_acpi();
	reset_by_keyboard();
	reset_by_triple_fault();
	halt();
}

/* --- off -------------------------------------------------------------------------------------- */

/* The PM1 registers do nothing until firmware has been told to leave them to us. */
static bool acpi_mode(void)
{
	if ((inw(acpi_info.pm1a_control) & PM1_SCI_EN) || !acpi_info.smi_port ||
	    !acpi_info.acpi_enable)
		return true;
	outb(acpi_info.smi_port, acpi_info.acpi_enable);
	for (unsigned us = 0; us < ACPI_ENABLE_US; us += STEP_US) {
		if (inw(acpi_info.pm1a_control) & PM1_SCI_EN)
			return true;
		clock_delay_us(STEP_US);
	}
	return false;
}

static void sleep_type(uint16_t port, uint8_t type, uint16_t enable)
{
	uint16_t value;

	if (!port)
		return;
	value = inw(port) & ~(PM1_SLP_TYP | PM1_SLP_EN);
	outw(port, value | type << PM1_SLP_TYP_SHIFT | enable);
}

static void off_by_acpi(void)
{
	if (!acpi_info.has_s5 || !acpi_info.pm1a_control || !acpi_mode())
		return;
	/* Both types first, then both go: the machine may be off after the first of these. */
	sleep_type(acpi_info.pm1a_control, acpi_info.s5_type_a, 0);
	sleep_type(acpi_info.pm1b_control, acpi_info.s5_type_b, 0);
	sleep_type(acpi_info.pm1a_control, acpi_info.s5_type_a, PM1_SLP_EN);
	sleep_type(acpi_info.pm1b_control, acpi_info.s5_type_b, PM1_SLP_EN);
	clock_delay_us(OFF_US);
}

void machine_poweroff(void)
{
	/* Whoever stands before a machine that stays on shall be able to read why. */
	machine_stop_others();
	off_by_acpi();
	kprintf("power: this machine does not switch itself off%s. It is now safe to switch it off.\n",
		acpi_info.has_s5 ? " when it is told to" : ": its firmware names no way to");
	halt();
}
