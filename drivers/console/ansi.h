/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cells as what a VT100 understands (ECMA-48): moves of the cursor, colours, and ASCII; characters
 * that ASCII lacks are replaced by a stand-in. Knows where the terminal's cursor is and what
 * colours are set, so that only what is needed is sent.
 */
#ifndef DRIVERS_CONSOLE_ANSI_H
#define DRIVERS_CONSOLE_ANSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ansi {
	void (*send)(const char *s, size_t len);
	int row, column, attr; /* what the terminal has, as ansi_clear() makes it known */
	bool cursor_hidden;
};

/* Moving the cursor costs more than so many cells. */
#define ANSI_GAP 5

void ansi_draw(struct ansi *a, unsigned row, unsigned column, const uint16_t *cells, unsigned n);

/* The whole terminal blank, whatever it showed: the first that is called. */
void ansi_clear(struct ansi *a);

/* The terminal as a teletype again, its cursor below what it shows. */
void ansi_leave(struct ansi *a);

/* row < 0: hides the cursor. */
void ansi_cursor(struct ansi *a, int row, int column);

/* What a terminal shows for a character of code page 437. */
char ansi_char(uint8_t ch);

#endif
