/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC of this CPU (Intel SDM vol. 3A, chapter 11), as xAPIC or x2APIC, whichever the
 * firmware left on. Functions work on the calling CPU; all may be called in any context.
 */
#ifndef KERNEL_CPU_APIC_H
#define KERNEL_CPU_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Finds out whether there is one and maps it. After acpi_init(), on the boot CPU. */
void apic_init(void);
bool apic_present(void);

/* Turns this CPU's on. The boot CPU's also lets the PIC's interrupts through (virtual wire). */
void apic_init_cpu(bool boot_cpu);

uint32_t apic_id(void);
void apic_eoi(void);

/* Sends vector to one CPU. */
void apic_send(uint32_t apic_id, uint8_t vector);

/* NMI to all others: they stop when a panic is in progress. Nothing without an APIC. */
void apic_nmi_others(void);

/* The INIT and SIPI of a CPU start; page is the number of the trampoline's page. */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

/* Holds back all interrupts but NMI and the 8259s'; they come when it is taken back. */
void apic_hold(bool hold);

/* The timer: one shot of count ticks; 0 stops it. */
void apic_timer_set(uint32_t count);
uint32_t apic_timer_left(void);

#endif
