/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own symbol table, for backtraces. Built into the image by the second link
 * (boot/gen-ksyms.py); read-only, usable in any context. Empty only during the first link.
 */
#ifndef KERNEL_KSYM_H
#define KERNEL_KSYM_H

#include <stdint.h>

struct ksym {
	uint32_t offset; /* the function's address less KERNEL_BASE (kernel/mm/page.h) */
	uint32_t name;   /* offset of its name in ksym_names */
};

/* Functions only, in ascending order of offset. The last entry marks the end of .text. */
extern const struct ksym ksym_table[];
extern const uint32_t ksym_count;
extern const char ksym_names[]; /* zero-terminated strings, one after the other */

#endif
