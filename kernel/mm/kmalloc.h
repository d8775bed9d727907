/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel heap. Any context, interrupts included. Small sizes come from slabs, aligned to 16
 * bytes (powers of two from 64 on are aligned to 64 at least); above 2048 bytes whole pages, up to
 * 4 MB, page-aligned. All return NULL when memory is out: callers must say what to do then.
 */
#ifndef KERNEL_MM_KMALLOC_H
#define KERNEL_MM_KMALLOC_H

#include <stddef.h>
#include <stdint.h>

void *kmalloc(size_t size) __attribute__((malloc, alloc_size(1)));
void *kzalloc(size_t size) __attribute__((malloc, alloc_size(1)));

/* As realloc(): on failure the old block stays; p may be NULL; size 0 frees. */
void *krealloc(void *p, size_t size) __attribute__((alloc_size(2)));

/* NULL is fine. Panics on a pointer that is not a live kmalloc block (as far as that shows). */
void kfree(void *p);

/* Usable size of a live block. */
size_t ksize(const void *p);

/* Pages held by the heap, for statistics. */
uint64_t kmalloc_pages(void);

#endif
