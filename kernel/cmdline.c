/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's command line, cut into words in place.
 */
#include "kernel/cmdline.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN 2048
#define WORDS_MAX (LINE_MAX_LEN / 2)

static char line_copy[LINE_MAX_LEN];
static const char *words[WORDS_MAX]; /* each "key\0value" or "key\0" */
static unsigned word_count;

void cmdline_init(const char *line)
{
	char *p = line_copy;

	word_count = 0;
	strncpy(line_copy, line ? line : "", sizeof(line_copy) - 2);
	while (*p) {
		while (*p == ' ' || *p == '\t')
			*p++ = '\0';
		if (!*p)
			break;
		words[word_count++] = p;
		bool key = true;
		for (; *p && *p != ' ' && *p != '\t'; p++) {
			if (key && *p == '=') {
				*p = '\0';
				key = false;
			}
		}
		/* A bare word's value is the empty string behind it: needs the two terminators. */
		if (key && *p)
			*p++ = '\0';
	}
}

const char *cmdline_get(const char *key)
{
	for (unsigned i = word_count; i-- > 0;) {
		if (strcmp(words[i], key) == 0) {
			const char *value = words[i] + strlen(words[i]) + 1;

			/* A bare word directly before the next one has no room for a value. */
			return i + 1 < word_count && value == words[i + 1] ? "" : value;
		}
	}
	return NULL;
}

uint64_t cmdline_get_u64(const char *key, uint64_t fallback)
{
	const char *value = cmdline_get(key);
	char *end;
	uint64_t n;

	if (value == NULL || *value == '\0')
		return fallback;
	n = strtoull(value, &end, 0);
	if (end == value)
		return fallback;
	switch (*end) {
	case 'G':
	case 'g':
		return n << 30;
	case 'M':
	case 'm':
		return n << 20;
	case 'K':
	case 'k':
		return n << 10;
	default:
		return n;
	}
}
