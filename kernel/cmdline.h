/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of a command line: words `key` or `key=value`, separated by blanks. What they mean is
 * kernel/settings.h. Portable; any context.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmdline_word {
	const char *text;  /* in the line itself: not terminated */
	size_t len;	   /* of the whole word */
	size_t key_len;	   /* up to '='; len for a bare word */
	const char *value; /* behind '='; the word's end for a bare word */
	size_t value_len;
};

/* Takes the next word of *at and moves *at behind it; false at the end of the line. */
bool cmdline_next(const char **at, struct cmdline_word *word);

/* A number: decimal or 0x.., with K, M or G (powers of 1024) behind it. False for anything else. */
bool cmdline_number(const char *text, uint64_t *n);

#endif
