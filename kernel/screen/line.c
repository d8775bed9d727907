/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor. */
#include "kernel/screen/line.h"

#include <string.h>

#include "drivers/console/keys.h"

#define CTRL(c) ((c) & 0x1f)

void line_set(struct line *line, const char *text)
{
	line->len = 0;
	while (line->len < LINE_SIZE - 1 && text[line->len]) {
		line->text[line->len] = text[line->len];
		line->len++;
	}
	line->text[line->len] = '\0';
	line->at = line->len;
}

static void insert(struct line *line, char c)
{
	if (line->len == LINE_SIZE - 1)
		return;
	memmove(line->text + line->at + 1, line->text + line->at, line->len - line->at + 1);
	line->text[line->at++] = c;
	line->len++;
}

/* The n characters from `from` on. */
static void cut(struct line *line, unsigned from, unsigned n)
{
	memmove(line->text + from, line->text + from + n, line->len - from - n + 1);
	line->len -= n;
	if (line->at > from)
		line->at = line->at > from + n ? line->at - n : from;
}

bool line_key(struct line *line, int key)
{
	switch (key) {
	case KEY_LEFT:
		line->at -= line->at > 0;
		return true;
	case KEY_RIGHT:
		line->at += line->at < line->len;
		return true;
	case KEY_HOME:
	case CTRL('A'):
		line->at = 0;
		return true;
	case KEY_END:
	case CTRL('E'):
		line->at = line->len;
		return true;
	case KEY_BACKSPACE:
		if (line->at)
			cut(line, line->at - 1, 1);
		return true;
	case KEY_DELETE:
		if (line->at < line->len)
			cut(line, line->at, 1);
		return true;
	case CTRL('U'):
		cut(line, 0, line->at);
		return true;
	case CTRL('K'):
		cut(line, line->at, line->len - line->at);
		return true;
	default:
		if (key < ' ' || key > '~')
			return false;
		insert(line, key);
		return true;
	}
}

unsigned line_first(const struct line *line, unsigned width)
{
	return width && line->at >= width ? line->at - width + 1 : 0;
}
