/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to the current guest's memory (current->mm) from its own thread. A missing page is faulted
 * in, from home if need be, so all of these may sleep for long; never with a lock that the way to
 * home needs, nor with mm->lock. They never raise a signal: what cannot be accessed is reported.
 *
 * User addresses are uint64_t, so that nobody dereferences one by mistake.
 */
#ifndef KERNEL_MM_UACCESS_H
#define KERNEL_MM_UACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/mm/page.h"

/* start..start+len lies in the user half. */
static inline bool user_range_ok(uint64_t start, uint64_t len)
{
	return len <= USER_END && start <= USER_END - len;
}

/* Copy; return the number of bytes NOT copied (0: all), counted from the end, as Linux's do. */
size_t copy_from_user(void *dst, uint64_t src, size_t len);
size_t copy_to_user(uint64_t dst, const void *src, size_t len);
size_t clear_user(uint64_t dst, size_t len);

/*
 * Copies a string of at most max bytes with its NUL. Returns its length without the NUL; max when
 * there was no NUL within max bytes (dst is then not terminated); -EFAULT.
 */
long strncpy_from_user(char *dst, uint64_t src, size_t max);

/* 0 or -EFAULT. */
int get_user32(uint32_t *val, uint64_t addr);
int get_user64(uint64_t *val, uint64_t addr);
int put_user32(uint64_t addr, uint32_t val);
int put_user64(uint64_t addr, uint64_t val);

/*
 * Atomic compare and exchange of an aligned word: *seen is what was there; it was replaced by
 * new_val if *seen == old. 0 or -EFAULT.
 */
int cmpxchg_user32(uint64_t addr, uint32_t old, uint32_t new_val, uint32_t *seen);

/* How many bytes from addr on, at most len, can be read / written. Faults the pages in. */
size_t user_readable_prefix(uint64_t addr, size_t len);
size_t user_writable_prefix(uint64_t addr, size_t len);

#endif
