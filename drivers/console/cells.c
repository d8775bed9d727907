/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures of cells: what has changed, and text that scrolls. */
#include "drivers/console/cells.h"

#include <string.h>

void picture_init(struct picture *p, const struct display *display, uint16_t *cells,
		  uint16_t *shown)
{
	*p = (struct picture){
		.display = display,
		.rows = display->rows,
		.columns = display->columns,
		.cells = cells,
		.shown = shown,
		.shown_row = -1,
	};
	picture_erase(p);
	memcpy(shown, cells, p->rows * p->columns * sizeof(*cells));
}

static void blank(uint16_t *cells, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		cells[i] = CELL_BLANK;
}

void picture_erase(struct picture *p)
{
	blank(p->cells, p->rows * p->columns);
	p->cursor_row = -1;
}

static uint16_t inverted(uint16_t cell)
{
	uint8_t attr = cell >> 8;

	return CELL(ATTR(attr >> 4 & 7, attr & 7), cell);
}

static void flush_row(struct picture *p, unsigned row)
{
	const uint16_t *want = p->cells + row * p->columns;
	uint16_t *shown = p->shown + row * p->columns;
	unsigned gap = p->display->gap, at = 0;

	while (at < p->columns) {
		unsigned end;

		if (want[at] == shown[at]) {
			at++;
			continue;
		}
		/* The run ends where more than `gap` cells are as they should be. */
		end = at + 1;
		for (unsigned i = end; i < p->columns && i - end <= gap; i++)
			if (want[i] != shown[i])
				end = i + 1;
		memcpy(shown + at, want + at, (end - at) * sizeof(*shown));
		p->display->draw(row, at, shown + at, end - at);
		at = end;
	}
}

static uint16_t *cell_under_cursor(const struct picture *p)
{
	if (p->cursor_row < 0 || (unsigned)p->cursor_row >= p->rows ||
	    p->cursor_column < 0 || (unsigned)p->cursor_column >= p->columns)
		return NULL;
	return &p->cells[p->cursor_row * p->columns + p->cursor_column];
}

void picture_flush(struct picture *p)
{
	uint16_t *under = p->display->cursor ? NULL : cell_under_cursor(p);
	uint16_t kept = 0;

	if (under) {
		kept = *under;
		*under = inverted(kept);
	}
	for (unsigned row = 0; row < p->rows; row++)
		flush_row(p, row);
	if (under)
		*under = kept;
	/*
	 * Drawing may move the cursor of a terminal, so it is put in its place even if that is the
	 * old one.
	 */
	if (p->display->cursor)
		p->display->cursor(p->cursor_row, p->cursor_column);
}

void picture_redraw(struct picture *p)
{
	p->display->clear();
	blank(p->shown, p->rows * p->columns);
	picture_flush(p);
}

static void newline(struct textlog *log, struct picture *p)
{
	unsigned last = (p->rows - 1) * p->columns;

	log->column = 0;
	if (++log->row < p->rows)
		return;
	log->row = p->rows - 1;
	memmove(p->cells, p->cells + p->columns, last * sizeof(*p->cells));
	blank(p->cells + last, p->columns);
}

void textlog_write(struct textlog *log, struct picture *p, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (log->column >= p->columns && s[i] != '\n' && s[i] != '\r')
			newline(log, p);
		if (s[i] == '\n')
			newline(log, p);
		else if (s[i] == '\r')
			log->column = 0;
		else if (s[i] == '\t')
			log->column = (log->column | 7) + 1;
		else
			p->cells[log->row * p->columns + log->column++] = CELL(ATTR_PLAIN, s[i]);
	}
	p->cursor_row = log->row;
	p->cursor_column = log->column < p->columns ? log->column : p->columns - 1;
	picture_flush(p);
}
