/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells for a VT100. */
#include "drivers/console/ansi.h"

#include <stdio.h>
#include <string.h>

#include "drivers/console/cells.h"

#define PIECE 128 /* sent at once */

static const char stand_in[256] = {
	[CH_LIGHT] = '.', [CH_VERTICAL] = '|',
	[CH_TOP_RIGHT] = '+', [CH_BOTTOM_LEFT] = '+', [CH_HORIZONTAL] = '-',
	[CH_BOTTOM_RIGHT] = '+', [CH_TOP_LEFT] = '+', [CH_FULL] = '#',
};

char ansi_char(uint8_t ch)
{
	if (ch >= ' ' && ch <= '~')
		return ch;
	return stand_in[ch] ? stand_in[ch] : ch ? '?' : ' ';
}

static void send(struct ansi *a, const char *s)
{
	a->send(s, strlen(s));
}

/* VGA counts blue, green, red; ECMA-48 the other way round. */
static unsigned colour(unsigned vga)
{
	return (vga & 1) << 2 | (vga & 2) | (vga & 4) >> 2;
}

static void set_attr(struct ansi *a, uint8_t attr)
{
	char s[24];

	if (a->attr == attr)
		return;
	a->attr = attr;
	/* Plain is the terminal's own idea of it. */
	if (attr == ATTR_PLAIN)
		snprintf(s, sizeof(s), "\033[0m");
	else
		snprintf(s, sizeof(s), "\033[0;%s3%u;4%um", attr & BRIGHT ? "1;" : "",
			 colour(attr & 7), colour(attr >> 4 & 7));
	send(a, s);
}

static void go(struct ansi *a, int row, int column)
{
	char s[24];

	if (a->row == row && a->column == column)
		return;
	snprintf(s, sizeof(s), "\033[%d;%dH", row + 1, column + 1);
	send(a, s);
	a->row = row;
	a->column = column;
}

void ansi_draw(struct ansi *a, unsigned row, unsigned column, const uint16_t *cells, unsigned n)
{
	char s[PIECE];
	unsigned len = 0;

	go(a, row, column);
	for (unsigned i = 0; i < n; i++) {
		if (len == sizeof(s) || (len && a->attr != cells[i] >> 8)) {
			a->send(s, len);
			len = 0;
		}
		set_attr(a, cells[i] >> 8);
		s[len++] = ansi_char(cells[i] & 0xff);
	}
	a->send(s, len);
	/*
	 * Behind the last column terminals differ in where the cursor is; nobody asks for that
	 * place.
	 */
	a->column = column + n;
}

static void show_cursor(struct ansi *a, bool show)
{
	if (a->cursor_hidden == !show)
		return;
	a->cursor_hidden = !show;
	send(a, show ? "\033[?25h" : "\033[?25l");
}

void ansi_clear(struct ansi *a)
{
	/* No wrapping: some terminals scroll when their last cell is written. */
	send(a, "\033[0m\033[?7l\033[?25h\033[2J\033[H");
	a->attr = ATTR_PLAIN;
	a->row = a->column = 0;
	a->cursor_hidden = false;
}

void ansi_cursor(struct ansi *a, int row, int column)
{
	if (row >= 0)
		go(a, row, column);
	show_cursor(a, row >= 0);
}

void ansi_leave(struct ansi *a)
{
	/* Further down than any terminal has rows: it stops at the last. */
	send(a, "\033[0m\033[?7h\033[?25h\033[999;1H\r\n");
}
