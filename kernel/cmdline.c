/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts a command line into words. */
#include "kernel/cmdline.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool cmdline_next(const char **at, struct cmdline_word *word)
{
	const char *p = *at;

	while (is_blank(*p))
		p++;
	*word = (struct cmdline_word){ .text = p };
	while (*p && *p != '=' && !is_blank(*p))
		p++;
	word->key_len = p - word->text;
	word->value = *p == '=' ? p + 1 : p;
	while (*p && !is_blank(*p))
		p++;
	word->len = p - word->text;
	word->value_len = p - word->value;
	*at = p;
	return word->len != 0;
}

bool cmdline_number(const char *text, uint64_t *n)
{
	unsigned shift = 0;
	char *end;

	/* strtoull() takes blanks and signs as well. */
	if (*text < '0' || *text > '9')
		return false;
	*n = strtoull(text, &end, 0);
	switch (*end) {
	case 'G':
	case 'g':
		shift = 30;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'K':
	case 'k':
		shift = 10;
		break;
	default:
		break;
	}
	if (shift)
		end++;
	if (*end || *n > UINT64_MAX >> shift)
		return false;
	*n <<= shift;
	return true;
}
