/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line that somebody types. */
#ifndef KERNEL_SCREEN_LINE_H
#define KERNEL_SCREEN_LINE_H

#include <stdbool.h>

#define LINE_SIZE 160 /* bytes, the end included */

struct line {
	char text[LINE_SIZE]; /* terminated */
	unsigned len, at;     /* at: of the cursor */
};

/* Begins with that text, the cursor behind it. */
void line_set(struct line *line, const char *text);

/* Does what the key (drivers/console/keys.h) says; false if it is none that edits. */
bool line_key(struct line *line, int key);

/* The first character to show so that the cursor is among `width` of them. */
unsigned line_first(const struct line *line, unsigned width);

#endif
