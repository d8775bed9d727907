/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints aligned tables, JSON strings and readable sizes and times. */
#include "userland/lib/table_print.h"

#include <stdlib.h>
#include <string.h>

struct columns {
	unsigned ncols, nrows, size;
	char **cells;	/* nrows x ncols, the heads first */
	bool *right;
};

static void *need(void *p)
{
	if (!p) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

struct columns *columns_new(const char *const *heads)
{
	struct columns *c = need(calloc(1, sizeof(*c)));

	while (heads[c->ncols])
		c->ncols++;
	c->right = need(calloc(c->ncols, sizeof(*c->right)));
	for (unsigned i = 0; i < c->ncols; i++)
		c->right[i] = heads[i][0] == '>';
	columns_row(c, heads);
	return c;
}

void columns_row(struct columns *c, const char *const *cells)
{
	if (c->nrows == c->size) {
		c->size = c->size ? 2 * c->size : 16;
		c->cells = need(reallocarray(c->cells, (size_t)c->size * c->ncols,
					     sizeof(*c->cells)));
	}
	for (unsigned i = 0; i < c->ncols; i++)
		c->cells[c->nrows * c->ncols + i] =
			need(strdup(cells[i] + (!c->nrows && c->right[i])));
	c->nrows++;
}

void columns_print(struct columns *c, FILE *out)
{
	for (unsigned row = 0; row < c->nrows; row++)
		for (unsigned i = 0; i < c->ncols; i++) {
			const char *cell = c->cells[row * c->ncols + i];
			int width = 0;

			for (unsigned r = 0; r < c->nrows; r++) {
				int len = strlen(c->cells[r * c->ncols + i]);

				width = len > width ? len : width;
			}
			if (i + 1 == c->ncols && !c->right[i])
				width = 0;	/* no blanks at the line's end */
			fprintf(out, "%*s%s", c->right[i] ? width : -width, cell,
				i + 1 == c->ncols ? "\n" : "  ");
		}
	for (unsigned i = 0; i < c->nrows * c->ncols; i++)
		free(c->cells[i]);
	free(c->cells);
	free(c->right);
	free(c);
}

void json_string(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		unsigned char ch = *s;

		if (ch == '"' || ch == '\\')
			fprintf(out, "\\%c", ch);
		else if (ch < ' ' || ch == 0x7f)
			fprintf(out, "\\u%04x", ch);
		else
			fputc(ch, out);
	}
	fputc('"', out);
}

char *human_bytes(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB", "EB" };
	double v = bytes;
	unsigned u = 0;

	while (v >= 999.5 && u + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1024;
		u++;
	}
	snprintf(buf, size, "%.*f %s", v < 9.95 && u > 2 ? 1 : 0, v, units[u]);
	return buf;
}

char *human_ms(uint64_t ms, char *buf, size_t size)
{
	uint64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, size, "%u ms", (unsigned)ms);
	else if (s < 60)
		snprintf(buf, size, "%.1f s", ms / 1000.0);
	else if (s < 3600)
		snprintf(buf, size, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
	else
		snprintf(buf, size, "%llu:%02u:%02u", (unsigned long long)(s / 3600),
			 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
	return buf;
}
