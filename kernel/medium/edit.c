/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes the settings file. See edit.h. */
#include "kernel/medium/edit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/cmdline.h"

#define FILL_LINE 64 /* bytes of a line of filling */

struct args {
	size_t start, end; /* of the value, quotes included */
	char words[BOOT_CMDLINE_MAX];
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* The offset behind word, and blanks, at the offset `at`; 0 if it is not there. */
static size_t skip_word(const char *text, size_t len, size_t at, const char *word)
{
	size_t n = strlen(word);

	while (at < len && is_blank(text[at]))
		at++;
	return n <= len - at && memcmp(text + at, word, n) == 0 ? at + n : 0;
}

/* Where the value of the last `set muster_args=` begins; 0 if there is none. */
static size_t find_value(const char *text, size_t len)
{
	size_t found = 0, at;

	for (size_t line = 0; line < len; line++) {
		if (line && !is_line_end(text[line - 1]))
			continue;
		at = skip_word(text, len, line, "set");
		if (at && at < len && is_blank(text[at]))
			at = skip_word(text, len, at, "muster_args=");
		else
			at = 0;
		if (at)
			found = at;
	}
	return found;
}

/* Takes the words: in quotes of either kind, or one without. What GRUB would replace is not for us. */
static bool get_args(const char *text, size_t len, struct args *a)
{
	char quote = '\0';
	size_t at, from, n;

	a->start = find_value(text, len);
	if (!a->start)
		return false;
	at = a->start;
	if (at < len && (text[at] == '"' || text[at] == '\''))
		quote = text[at++];
	from = at;
	while (at < len && !is_line_end(text[at]) &&
	       (quote ? text[at] != quote : !is_blank(text[at]) && text[at] != ';'))
		at++;
	n = at - from;
	if (quote && (at >= len || text[at] != quote))
		return false;
	a->end = quote ? at + 1 : at;
	if (n >= sizeof(a->words))
		return false;
	memcpy(a->words, text + from, n);
	a->words[n] = '\0';
	return strpbrk(a->words, quote ? "\"$\\`" : "\"'$\\`#(){}<>|&") == NULL;
}

static bool append(char *out, size_t size, const char *word, size_t len)
{
	size_t n = strlen(out);

	if (n + (n != 0) + len >= size)
		return false;
	if (n)
		out[n++] = ' ';
	memcpy(out + n, word, len);
	out[n + len] = '\0';
	return true;
}

static bool append_setting(char *out, size_t size, const struct setting_edit *e)
{
	char word[128];
	int n = snprintf(word, sizeof(word), "%s%s%s", e->name, *e->value ? "=" : "", e->value);

	return n < (int)sizeof(word) && append(out, size, word, n);
}

/* The words with one setting changed: its word stays at its place, a new one goes to the end. */
static bool change(char *words, const struct setting_edit *e)
{
	char out[BOOT_CMDLINE_MAX] = "";
	struct cmdline_word w;
	bool done = e->value == NULL;

	for (const char *at = words; cmdline_next(&at, &w);) {
		if (w.key_len != strlen(e->name) || memcmp(w.text, e->name, w.key_len) != 0) {
			if (!append(out, sizeof(out), w.text, w.len))
				return false;
		} else if (!done) {
			if (!append_setting(out, sizeof(out), e))
				return false;
			done = true;
		}
	}
	if (!done && !append_setting(out, sizeof(out), e))
		return false;
	strcpy(words, out);
	return true;
}

/* Where the filling begins: nothing but comment signs and blanks from there to the end. */
static size_t find_filling(const char *text, size_t len, size_t after)
{
	while (len > after &&
	       (text[len - 1] == '#' || is_blank(text[len - 1]) || is_line_end(text[len - 1])))
		len--;
	return len;
}

/* Lines of '#'. The first byte ends the line before. */
static void fill(char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = i % FILL_LINE == 0 || i == len - 1 ? '\n' : '#';
}

int settings_file_edit(char *text, size_t len, size_t room, const struct setting_edit *edits,
		       unsigned count, char *why, size_t size)
{
	struct args a;
	size_t filling, tail, n, wanted;
	bool fits = true;

	if (memchr(text, '\0', len) || !get_args(text, len, &a)) {
		snprintf(why, size,
			 "muster.cfg has no line set muster_args=\"...\" that can be used");
		return -EINVAL;
	}
	for (unsigned i = 0; i < count && fits; i++)
		fits = change(a.words, &edits[i]);
	n = strlen(a.words) + 2;
	filling = find_filling(text, len, a.end);
	tail = filling - a.end;
	/* A line end must stay behind the last line: one byte of filling at least. */
	wanted = a.start + n + tail + 1;
	if (!fits || wanted > room) {
		snprintf(why, size,
			 "muster.cfg has no room for this: it needs some lines of #####");
		return -ENOSPC;
	}
	memmove(text + a.start + n, text + a.end, tail);
	text[a.start] = '"';
	memcpy(text + a.start + 1, a.words, n - 2);
	text[a.start + n - 1] = '"';
	if (wanted > len)
		len = wanted;
	fill(text + wanted - 1, len - (wanted - 1));
	return len;
}
