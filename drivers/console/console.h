/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen and the serial line, as kprintf and the status screen use them. Output functions do
 * not lock: kprintf.c serialises them.
 */
#ifndef DRIVERS_CONSOLE_CONSOLE_H
#define DRIVERS_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* Finds what exists. console=serial or console=vga on the command line leaves the other out. */
void console_init(void);
void console_write(const char *s, size_t len);

/* The next character typed on the serial line, -1 for none. Any context. */
int console_getc(void);

bool serial_init(void);
void serial_write(const char *s, size_t len);
int serial_getc(void);

void vga_init(void);
void vga_write(const char *s, size_t len);

#endif
