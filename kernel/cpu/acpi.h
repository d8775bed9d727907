/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI's static tables (ACPI specification, chapter 5): only what names CPUs, interrupt controllers
 * and timers. No AML is interpreted. Read-only after acpi_init().
 */
#ifndef KERNEL_CPU_ACPI_H
#define KERNEL_CPU_ACPI_H

#include <stdbool.h>
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
};

extern struct acpi_info acpi_info;

/* Without ACPI, leaves the defaults of an old PC: one CPU, PIC. Needs kmap_init(). */
void acpi_init(const struct boot_info *bi);

#endif
