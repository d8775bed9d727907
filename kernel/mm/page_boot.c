/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans the use of physical memory: usable ranges less the kernel, the modules, the array of struct
 * page and the first megabyte.
 */
#include "kernel/mm/page_boot.h"

#include <stdbool.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/mm/page.h"

#define LOW_END 0x100000ul
#define CONVENTIONAL_END 0x9f000ul

static void range_add(struct page_plan *plan, uint64_t first, uint64_t end)
{
	if (first >= end)
		return;
	if (plan->free_count == PLAN_RANGES) {
		plan->dropped += end - first;
		return;
	}
	plan->free[plan->free_count].first = first;
	plan->free[plan->free_count].end = end;
	plan->free_count++;
}

/* Cuts frames [first, end) out of all free ranges. */
static void range_cut(struct page_plan *plan, uint64_t first, uint64_t end)
{
	unsigned count = plan->free_count;

	for (unsigned i = 0; i < count; i++) {
		struct frame_range *r = &plan->free[i];

		if (first >= r->end || end <= r->first)
			continue;
		uint64_t tail = r->end;

		if (r->first < first) {
			r->end = first;
			range_add(plan, end, tail);
		} else {
			r->first = end < tail ? end : tail;
		}
	}
}

static void cut_bytes(struct page_plan *plan, uint64_t base, uint64_t len)
{
	range_cut(plan, base >> PAGE_SHIFT, (base + len + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

static uint64_t range_clip(const struct boot_range *r, uint64_t limit, uint64_t *end)
{
	uint64_t base = PAGE_ALIGN_UP(r->base);

	*end = PAGE_ALIGN_DOWN(r->base + r->len);
	if (*end > limit)
		*end = limit;
	return base < LOW_END ? LOW_END : base;
}

static void sort_ranges(struct page_plan *plan)
{
	for (unsigned i = 1; i < plan->free_count; i++) {
		struct frame_range r = plan->free[i];
		unsigned at = i;

		for (; at > 0 && plan->free[at - 1].first > r.first; at--)
			plan->free[at] = plan->free[at - 1];
		plan->free[at] = r;
	}
}

void page_plan_make(struct page_plan *plan, const struct boot_info *bi, uint64_t kernel_start,
		    uint64_t kernel_end, uint64_t limit, uint64_t reach, size_t page_size)
{
	uint64_t array_pages;

	memset(plan, 0, sizeof(*plan));
	limit = PAGE_ALIGN_DOWN(limit);
	for (uint32_t i = 0; i < bi->range_count; i++) {
		const struct boot_range *r = &bi->range[i];
		uint64_t end, base = range_clip(r, limit, &end);

		if (r->type != BOOT_MEM_USABLE || base >= end)
			continue;
		plan->usable += end - base;
		if (end >> PAGE_SHIFT > plan->frames)
			plan->frames = end >> PAGE_SHIFT;
		range_add(plan, base >> PAGE_SHIFT, end >> PAGE_SHIFT);
	}
	cut_bytes(plan, kernel_start, kernel_end - kernel_start);
	for (uint32_t i = 0; i < bi->module_count; i++)
		cut_bytes(plan, bi->module[i].base, bi->module[i].len);

	/* From the end of a range, so that low memory stays in one piece. */
	array_pages = (plan->frames * page_size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	for (unsigned i = 0; i < plan->free_count; i++) {
		struct frame_range *r = &plan->free[i];
		uint64_t end = r->end < reach >> PAGE_SHIFT ? r->end : reach >> PAGE_SHIFT;

		if (end > r->first && end - r->first >= array_pages)
			plan->array_base = (end - array_pages) << PAGE_SHIFT;
	}
	if (plan->array_base)
		cut_bytes(plan, plan->array_base, array_pages << PAGE_SHIFT);
	sort_ranges(plan);
}

uint64_t page_plan_low(const struct boot_info *bi, unsigned pages)
{
	uint64_t size = pages * PAGE_SIZE;
	uint64_t best = 0;

	for (uint32_t i = 0; i < bi->range_count; i++) {
		const struct boot_range *r = &bi->range[i];
		uint64_t end = PAGE_ALIGN_DOWN(r->base + r->len);

		if (r->type != BOOT_MEM_USABLE)
			continue;
		if (end > CONVENTIONAL_END)
			end = CONVENTIONAL_END;
		/* Not the first page: the BIOS's interrupt table. */
		if (end >= PAGE_ALIGN_UP(r->base) + size && end > PAGE_SIZE + size &&
		    end - size > best)
			best = end - size;
	}
	return best;
}
