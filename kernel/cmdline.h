/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's command line: blank-separated words, `key` or `key=value`. Set once during start-up
 * and constant afterwards, so it may be read in any context. The last of several equal keys wins.
 */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>

/* Keeps a copy of line (NULL counts as empty). Loaders put the image's path first: it is harmless. */
void cmdline_init(const char *line);

/* The value of key, "" for a bare word, NULL when absent. The string is never freed. */
const char *cmdline_get(const char *key);

/* The value as a number (decimal, 0x.., with K, M or G behind it), or fallback. */
uint64_t cmdline_get_u64(const char *key, uint64_t fallback);

#endif
