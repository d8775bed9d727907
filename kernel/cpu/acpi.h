/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI's static tables (ACPI specification, chapter 5): only what names CPUs, interrupt
 * controllers, timers, and the ways to switch off and to reset. No AML is interpreted. Read-only
 * after acpi_init().
 */
#ifndef KERNEL_CPU_ACPI_H
#define KERNEL_CPU_ACPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cpu/percpu.h"

struct boot_info;

struct acpi_info {
	uint32_t apic_ids[MAX_CPUS]; /* enabled CPUs, the boot CPU included */
	unsigned cpu_count;	     /* 0 without a MADT */
	unsigned cpus_dropped;	     /* beyond MAX_CPUS */
	uint64_t lapic_pa;
	uint64_t ioapic_pa;	     /* the first one; 0 without */
	uint32_t ioapic_gsi_base;
	bool has_pic;		     /* two 8259s exist */
	/* Legacy line to GSI, from interrupt source overrides. */
	uint32_t line_gsi[16];
	uint16_t line_flags[16];     /* MPS INTI flags: polarity bits 0-1, trigger bits 2-3 */
	uint16_t pm_timer_port;	     /* 0 without */
	uint8_t rtc_century;	     /* CMOS register of the century, 0 without */

	/* Soft off (S5): SLP_TYP for the PM1 control ports, of which b may be 0. */
	bool has_s5;
	uint8_t s5_type_a, s5_type_b;
	uint16_t pm1a_control, pm1b_control;
	uint16_t smi_port; /* 0: always in ACPI mode, otherwise gets acpi_enable to enter it */
	uint8_t acpi_enable;

	/* What resets the machine: reset_value, written there. One is set, or none. */
	uint8_t reset_value;
	uint16_t reset_port;
	volatile uint8_t *reset_memory;
	uint32_t reset_pci;	     /* for port 0xcf8, of bus 0 */
};

extern struct acpi_info acpi_info;

/*
 * Looks in AML for the package \_S5_, whose first two numbers are SLP_TYP for PM1a and PM1b
 * (7.4.2): by its shape, since it is a constant everywhere. False if it is not there.
 */
bool acpi_find_s5(const uint8_t *aml, size_t len, uint8_t *type_a, uint8_t *type_b);

/* Without ACPI, leaves the defaults of an old PC: one CPU, PIC. Needs kmap_init(). */
void acpi_init(const struct boot_info *bi);

#endif
