/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Painting on a picture of cells (drivers/console/cells.h). Whatever lies outside of it is left
 * out, so that a small screen shows less instead of something wrong. What is no printable ASCII in
 * a text shows as a question mark: parts of it come from other machines.
 */
#ifndef KERNEL_SCREEN_PAINT_H
#define KERNEL_SCREEN_PAINT_H

#include <stddef.h>
#include <stdint.h>

#include "drivers/console/cells.h"

/* Formatted text; returns the column behind it. */
unsigned paint_text(struct picture *p, unsigned row, unsigned column, uint8_t attr, const char *fmt,
		    ...) __attribute__((format(printf, 5, 6)));

/* The same, ending before column `end`. */
unsigned paint_right(struct picture *p, unsigned row, unsigned end, uint8_t attr, const char *fmt,
		     ...) __attribute__((format(printf, 5, 6)));

/* n times one character (of code page 437). */
void paint_fill(struct picture *p, unsigned row, unsigned column, unsigned n, uint8_t attr,
		uint8_t ch);

/* A bar of so many cells, of which part out of whole is full. */
void paint_bar(struct picture *p, unsigned row, unsigned column, unsigned width, uint8_t attr,
	       uint64_t part, uint64_t whole);

/* A framed area in the middle. The frame is outside of the given size; a long text is cut. */
struct box {
	unsigned row, column, rows, columns; /* inside of the frame */
};
struct box paint_box(struct picture *p, unsigned rows, unsigned columns, uint8_t attr,
		     const char *title, const char *hint);

/* Lines that a text needs when it is wrapped at so many columns; its last line need not end. */
unsigned text_lines(const char *text, size_t len, unsigned columns);

/*
 * Paints `rows` of these lines, beginning with line `first`, and blanks what is left of the area.
 */
void paint_lines(struct picture *p, const struct box *area, uint8_t attr, const char *text,
		 size_t len, unsigned first);

/* "12.3 MB": at most 8 characters. size: at least 16. */
const char *format_bytes(char *buf, size_t size, uint64_t bytes);
/* "3 d 4 h", "12 min 5 s": the two largest units. size: at least 32. */
const char *format_time(char *buf, size_t size, uint64_t seconds);

#endif
