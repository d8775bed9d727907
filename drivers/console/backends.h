/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of drivers/console: what can show a picture, and what can be typed on. */
#ifndef DRIVERS_CONSOLE_BACKENDS_H
#define DRIVERS_CONSOLE_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/console/cells.h"

struct boot_framebuffer;

extern const struct display vga_display;

/*
 * fb.c: text on the framebuffer. fb_init() is for before memory management: true if it can be drawn
 * on at once. fb_map() gives it a mapping that is quick; false when there is none.
 */
extern struct display fb_display;
bool fb_init(const struct boot_framebuffer *fb);
bool fb_map(void);

/*
 * font.s, made by gen-font.py: 256 characters of code page 437, 16 bytes each, the highest bit
 * left.
 */
#define FONT_WIDTH 8
#define FONT_HEIGHT 16
extern const uint8_t console_font[256][FONT_HEIGHT];

/* serial.c: the line itself, and a VT100 at its other end. */
extern const struct display serial_display;
bool serial_init(void);
void serial_write(const char *s, size_t len); /* waits busily: any context */
void serial_write_slowly(const char *s, size_t len); /* sleeps while the line is busy: threads */
void serial_leave_screen(void);	/* the terminal shows lines again, below the picture */

/*
 * What was typed: raw bytes, collected by an interrupt that *_start() asks for; *_input() gives -1
 * when there is nothing, and looks at the device itself for the case that no interrupt comes.
 */
void serial_input_start(void);
int serial_input(void);
void keyboard_start(void);
int keyboard_input(void);
/* Halts until a key comes, with nothing else able to interrupt: after a panic. */
void keyboard_wait_alone(void);

/* A byte was received: wakes who waits for keys. Interrupt context. */
void console_input_arrived(void);

#endif
