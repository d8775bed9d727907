/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's end: switching off and starting anew. Neither looks at guests, homes or cards; that
 * is kernel/shutdown.h. Any context, also in a panic.
 */
#ifndef DRIVERS_POWER_H
#define DRIVERS_POWER_H

/* ACPI's reset register, the keyboard controller, a triple fault. */
void machine_reboot(void) __attribute__((noreturn));

/* ACPI's soft off. Where there is none, or it does nothing, says so and halts. */
void machine_poweroff(void) __attribute__((noreturn));

#endif
