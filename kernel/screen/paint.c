/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text, bars and boxes made of cells. */
#include "kernel/screen/paint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 256

static void put(struct picture *p, unsigned row, unsigned column, uint8_t attr, uint8_t ch)
{
	if (row < p->rows && column < p->columns)
		p->cells[row * p->columns + column] = CELL(attr, ch);
}

static void put_text(struct picture *p, unsigned row, unsigned column, uint8_t attr, const char *s,
		     size_t len)
{
	for (size_t i = 0; i < len; i++)
		put(p, row, column + i, attr, s[i] >= ' ' && s[i] <= '~' ? s[i] : '?');
}

unsigned paint_text(struct picture *p, unsigned row, unsigned column, uint8_t attr, const char *fmt,
		    ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put_text(p, row, column, attr, text, strlen(text));
	return column + strlen(text);
}

unsigned paint_right(struct picture *p, unsigned row, unsigned end, uint8_t attr, const char *fmt,
		     ...)
{
	char text[TEXT_MAX];
	size_t len, cut;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = strlen(text);
	cut = len > end ? len - end : 0;
	put_text(p, row, end - (len - cut), attr, text + cut, len - cut);
	return end;
}

void paint_fill(struct picture *p, unsigned row, unsigned column, unsigned n, uint8_t attr,
		uint8_t ch)
{
	for (unsigned i = 0; i < n; i++)
		put(p, row, column + i, attr, ch);
}

void paint_bar(struct picture *p, unsigned row, unsigned column, unsigned width, uint8_t attr,
	       uint64_t part, uint64_t whole)
{
	unsigned full = 0;

	if (part > whole)
		part = whole;
	if (whole)
		full = (part * width + whole / 2) / whole;
	/* A little shows. */
	if (part && !full)
		full = 1;
	paint_fill(p, row, column, full, attr, CH_FULL);
	paint_fill(p, row, column + full, width - full, ATTR(BRIGHT + BLACK, BLACK), CH_LIGHT);
}

struct box paint_box(struct picture *p, unsigned rows, unsigned columns, uint8_t attr,
		     const char *title, const char *hint)
{
	struct box in = { 1, 1, rows, columns };
	unsigned bottom, right;

	if (in.rows + 2 > p->rows)
		in.rows = p->rows > 2 ? p->rows - 2 : 1;
	if (in.columns + 2 > p->columns)
		in.columns = p->columns > 2 ? p->columns - 2 : 1;
	if (p->rows > in.rows + 2)
		in.row = (p->rows - in.rows) / 2;
	if (p->columns > in.columns + 2)
		in.column = (p->columns - in.columns) / 2;
	bottom = in.row + in.rows;
	right = in.column + in.columns;

	paint_fill(p, in.row - 1, in.column, in.columns, attr, CH_HORIZONTAL);
	paint_fill(p, bottom, in.column, in.columns, attr, CH_HORIZONTAL);
	for (unsigned row = in.row; row < bottom; row++) {
		put(p, row, in.column - 1, attr, CH_VERTICAL);
		paint_fill(p, row, in.column, in.columns, attr, ' ');
		put(p, row, right, attr, CH_VERTICAL);
	}
	put(p, in.row - 1, in.column - 1, attr, CH_TOP_LEFT);
	put(p, in.row - 1, right, attr, CH_TOP_RIGHT);
	put(p, bottom, in.column - 1, attr, CH_BOTTOM_LEFT);
	put(p, bottom, right, attr, CH_BOTTOM_RIGHT);
	paint_text(p, in.row - 1, in.column + 1, attr, " %.*s ", (int)in.columns - 4, title);
	paint_text(p, bottom, in.column + 1, attr, " %.*s ", (int)in.columns - 4, hint);
	return in;
}

/* The length of the line that begins at s, and of what to skip for the next. */
static size_t line_at(const char *s, size_t len, unsigned columns, size_t *next)
{
	size_t n = 0;

	while (n < len && n < columns && s[n] != '\n')
		n++;
	*next = n < len && s[n] == '\n' ? n + 1 : n;
	return n;
}

unsigned text_lines(const char *text, size_t len, unsigned columns)
{
	unsigned lines = 0;
	size_t next;

	for (size_t at = 0; at < len; at += next, lines++)
		line_at(text + at, len - at, columns, &next);
	return lines;
}

void paint_lines(struct picture *p, const struct box *area, uint8_t attr, const char *text,
		 size_t len, unsigned first)
{
	unsigned row = 0;
	size_t next, n;

	for (size_t at = 0; at < len && row < first + area->rows; at += next, row++) {
		n = line_at(text + at, len - at, area->columns, &next);
		if (row < first)
			continue;
		put_text(p, area->row + row - first, area->column, attr, text + at, n);
		paint_fill(p, area->row + row - first, area->column + n, area->columns - n, attr,
			   ' ');
	}
	for (row = row < first ? 0 : row - first; row < area->rows; row++)
		paint_fill(p, area->row + row, area->column, area->columns, attr, ' ');
}

const char *format_bytes(char *buf, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	uint64_t whole = bytes, rest = 0;
	unsigned unit = 0;

	while (whole >= 1024 && unit < 4) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	if (unit > 1 && whole < 10)
		snprintf(buf, size, "%u.%u %s", (unsigned)whole, (unsigned)(rest * 10 / 1024),
			 units[unit]);
	else
		snprintf(buf, size, "%lu %s", (unsigned long)whole, units[unit]);
	return buf;
}

const char *format_time(char *buf, size_t size, uint64_t seconds)
{
	unsigned long days = seconds / 86400, hours = seconds / 3600 % 24,
		      minutes = seconds / 60 % 60;

	if (days)
		snprintf(buf, size, "%lu d %lu h", days, hours);
	else if (hours)
		snprintf(buf, size, "%lu h %lu min", hours, minutes);
	else if (minutes)
		snprintf(buf, size, "%lu min %lu s", minutes, (unsigned long)seconds % 60);
	else
		snprintf(buf, size, "%lu s", (unsigned long)seconds);
	return buf;
}
