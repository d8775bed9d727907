/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device interrupts. A line is what a PCI device's Interrupt Line register (or an ISA device's
 * documentation) says: 0-15. See irq.c for how lines reach a CPU.
 */
#ifndef KERNEL_CPU_IRQ_H
#define KERNEL_CPU_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/* Runs in interrupt context with interrupts off. True when the device was the cause: level-triggered
 * lines are shared, and all handlers of a line are asked. */
typedef bool (*irq_handler_t)(void *arg);

/* Adds a handler and enables the line. 0, -EINVAL for a line that does not exist, -ENOMEM. */
int irq_register(unsigned line, irq_handler_t handler, void *arg);

/* PCI lines are level-triggered and active low: call this first, the default is the ISA edge. */
void irq_set_level(unsigned line);

/* Disables all other lines for ever: after a panic, when one device may still interrupt. */
void irq_leave_only(unsigned line);

/*
 * Lends the interrupt controllers to the BIOS, in the state in which it left them, and takes them back.
 * Boot CPU, interrupts off, all in one stretch; a handler may be asked afterwards though nothing came.
 */
void irq_lend(void);
void irq_take_back(void);

/* Chooses and prepares the interrupt controller; after acpi_init(), before any irq_register(). */
void irq_init(void);

#endif
