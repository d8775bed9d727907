/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the loader's memory map to what the page allocator gets: start-up only.
 */
#ifndef KERNEL_MM_PAGE_BOOT_H
#define KERNEL_MM_PAGE_BOOT_H

#include <stddef.h>
#include <stdint.h>

struct boot_info;

/* With less, the network's buffers and one guest do not fit. */
#define MEM_MINIMUM (14ul << 20)

struct frame_range {
	uint64_t first, end; /* frames */
};

#define PLAN_RANGES 192

struct page_plan {
	uint64_t usable;     /* bytes that are RAM for us, the kernel's own included */
	uint64_t frames;     /* up to the end of usable memory */
	uint64_t array_base; /* physical address for frames * page_size bytes; 0: no room */
	struct frame_range free[PLAN_RANGES]; /* ascending */
	unsigned free_count;
	uint64_t dropped;    /* frames that found no room in free[] */
};

/*
 * The image takes kernel_start..kernel_end. Nothing at or above limit is used (mem=), and nothing
 * below 1 MB: that belongs to the BIOS and to the start of further CPUs. The array of pages must
 * lie below reach, where the page tables of the start-up end.
 */
void page_plan_make(struct page_plan *plan, const struct boot_info *bi, uint64_t kernel_start,
		    uint64_t kernel_end, uint64_t limit, uint64_t reach, size_t page_size);

/*
 * So many usable pages in one piece below 640 KB, the highest there are; 0 if there are none. Nobody
 * hands them out: the highest serves the start of further CPUs, those below it calls of the BIOS.
 */
uint64_t page_plan_low(const struct boot_info *bi, unsigned pages);

#endif
