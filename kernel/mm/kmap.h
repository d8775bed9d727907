/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel half of the address space: image (text RX, rodata R, data RW), direct map, MMIO.
 * All of its top-level entries exist before the first user address space does, so that a copy of
 * entries 256-511 made once stays right for ever. Mappings are only ever added.
 */
#ifndef KERNEL_MM_KMAP_H
#define KERNEL_MM_KMAP_H

#include <stddef.h>
#include <stdint.h>

/*
 * Before that, and before there are pages: makes the start-up's direct map reach as far as it can
 * without memory for further tables. Returns the end of its reach, 4 GB at least.
 */
uint64_t kmap_early(void);

/* Builds the final kernel page tables and switches to them. Once, on the boot CPU. */
void kmap_init(void);

/* Physical address of the kernel's own top-level table: CR3 of threads without a user half. */
uint64_t kmap_cr3(void);

/* Copies the kernel half into a new top-level table. */
void kmap_copy_kernel_half(uint64_t *pml4);

/* Maps device memory uncached, for ever; NULL when page tables cannot be allocated. */
void *mmio_map(uint64_t pa, size_t len);

/* The same with write combining, for frame buffers. */
void *mmio_map_wc(uint64_t pa, size_t len);

#endif
