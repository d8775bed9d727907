/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical pages: a buddy allocator over the memory map, and the direct map of all of it.
 * Everything here is safe in any context including interrupts.
 *
 * Each frame has a struct page. page_alloc() gives 2^order frames, naturally aligned, whose first
 * frame has one reference; the last page_put() frees them all. Whoever holds a reference may use
 * `private` and `link` as he likes; the allocator uses them only while the page is free.
 */
#ifndef KERNEL_MM_PAGE_H
#define KERNEL_MM_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/list.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN_UP(x) (((uint64_t)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALIGN_DOWN(x) ((uint64_t)(x) & PAGE_MASK)

/* Largest block: 2^10 pages, 4 MB. */
#define PAGE_MAX_ORDER 10

#ifndef DIRECT_MAP /* unit tests put their own memory there */
#define DIRECT_MAP 0xffff800000000000ul
#endif
#define KERNEL_BASE 0xffffffff80000000ULL
#define USER_END 0x00007ffffffff000ul

enum page_flags {
	PAGE_FREE = 1 << 0,	/* first frame of a free block */
	PAGE_RESERVED = 1 << 1, /* never handed out: firmware, kernel image, holes */
	PAGE_SLAB = 1 << 2,	/* kmalloc's small objects */
	PAGE_LARGE = 1 << 3,	/* kmalloc's large objects */
	PAGE_USER_FLAG = 1 << 8 /* this and higher bits: the holder's own use */
};

struct page {
	uint32_t refcount;	/* atomic */
	uint16_t flags;		/* enum page_flags; low byte belongs to the allocators */
	uint8_t order;		/* of the block this is the first frame of */
	uint8_t slab_class;
	struct list_head link;
	uint64_t private;
};

struct boot_info;

/* Takes over the memory map. Once, before anything is allocated. */
void page_init(struct boot_info *bi);

/* Gives 2^order pages with one reference, or NULL. Contents are arbitrary. */
struct page *page_alloc(unsigned order);
struct page *page_alloc_zero(unsigned order);

/* The same, below 4 GB: for devices that address 32 bits. */
struct page *page_alloc_low(unsigned order);

static inline struct page *page_get(struct page *p)
{
	__atomic_add_fetch(&p->refcount, 1, __ATOMIC_RELAXED);
	return p;
}

/* Drops a reference; frees the block when it was the last. */
void page_put(struct page *p);

/* Frees a block that has exactly one reference; order must be that of its allocation. */
void page_free(struct page *p, unsigned order);

static inline uint32_t page_refs(const struct page *p)
{
	return __atomic_load_n(&p->refcount, __ATOMIC_ACQUIRE);
}

extern struct page *page_array;
extern uint64_t page_array_len;		/* frames covered, holes included */

static inline uint64_t page_phys(const struct page *p)
{
	return (uint64_t)(p - page_array) << PAGE_SHIFT;
}

static inline void *phys_virt(uint64_t pa)
{
	return (void *)(pa + DIRECT_MAP);
}

/* Physical address of a direct-map or kernel-image address. */
static inline uint64_t virt_phys(const void *va)
{
	uint64_t v = (uint64_t)va;

	return v >= KERNEL_BASE ? v - KERNEL_BASE : v - DIRECT_MAP;
}

/* The frame of a physical address, NULL beyond the end of memory. */
static inline struct page *phys_page(uint64_t pa)
{
	uint64_t frame = pa >> PAGE_SHIFT;

	return frame < page_array_len ? &page_array[frame] : NULL;
}

static inline void *page_virt(const struct page *p)
{
	return phys_virt(page_phys(p));
}

static inline struct page *virt_page(const void *va)
{
	return phys_page(virt_phys(va));
}

/* Usable memory, and what of it is free now, in pages. */
uint64_t mem_total_pages(void);
uint64_t mem_free_pages(void);

#endif
