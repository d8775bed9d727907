/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy allocator. Two zones, below and above 4 GB, each with its lock and one list of free
 * blocks per order. Normal requests take the high zone first, so that what 32-bit devices need
 * stays available.
 *
 * A block of order n starts at a frame that is a multiple of 2^n; its buddy is the frame with bit n
 * flipped. The two are joined again when both are free and of the same order.
 */
#include "kernel/mm/page.h"

#include <string.h>

#include "boot/boot_info.h"
#include "kernel/image.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page_boot.h"
#include "kernel/settings.h"
#include "kernel/sync/spinlock.h"

#define FOUR_GB (1ul << 32)
#define FRAMES_4G (FOUR_GB >> PAGE_SHIFT)

struct zone {
	spinlock_t lock;
	struct list_head free[PAGE_MAX_ORDER + 1];
	uint64_t free_pages;
};

enum { ZONE_LOW, ZONE_HIGH, ZONES };

static struct zone zones[ZONES];
static uint64_t total_pages;

struct page *page_array;
uint64_t page_array_len;

static struct zone *zone_of(uint64_t frame)
{
	return &zones[frame < FRAMES_4G ? ZONE_LOW : ZONE_HIGH];
}

/* Puts a block on the free lists, joined with its buddies. Under the zone's lock. */
static void block_insert(struct zone *z, uint64_t frame, unsigned order)
{
	z->free_pages += 1ul << order;
	while (order < PAGE_MAX_ORDER) {
		uint64_t buddy_frame = frame ^ (1ul << order);
		struct page *buddy;

		if (buddy_frame >= page_array_len)
			break;
		buddy = &page_array[buddy_frame];
		if (!(buddy->flags & PAGE_FREE) || buddy->order != order)
			break;
		list_del(&buddy->link);
		buddy->flags = 0;
		frame &= ~(1ul << order);
		order++;
	}
	struct page *p = &page_array[frame];

	p->flags = PAGE_FREE;
	p->order = order;
	p->refcount = 0;
	list_add(&p->link, &z->free[order]);
}

static struct page *zone_alloc(struct zone *z, unsigned order)
{
	struct page *p = NULL;
	unsigned long flags = spin_lock_irqsave(&z->lock);

	for (unsigned o = order; o <= PAGE_MAX_ORDER; o++) {
		if (list_empty(&z->free[o]))
			continue;
		p = list_first_entry(&z->free[o], struct page, link);
		list_del(&p->link);
		/* Give back the upper halves until the block has the size asked for. */
		while (o > order) {
			struct page *half = p + (1ul << --o);

			half->flags = PAGE_FREE;
			half->order = o;
			list_add(&half->link, &z->free[o]);
		}
		z->free_pages -= 1ul << order;
		/* Under the lock: whoever frees the buddy looks at these. */
		p->flags = 0;
		p->order = order;
		break;
	}
	spin_unlock_irqrestore(&z->lock, flags);
	if (p) {
		p->private = 0;
		__atomic_store_n(&p->refcount, 1, __ATOMIC_RELEASE);
	}
	return p;
}

struct page *page_alloc(unsigned order)
{
	struct page *p;

	KASSERT(order <= PAGE_MAX_ORDER);
	p = zone_alloc(&zones[ZONE_HIGH], order);
	return p ? p : zone_alloc(&zones[ZONE_LOW], order);
}

struct page *page_alloc_low(unsigned order)
{
	KASSERT(order <= PAGE_MAX_ORDER);
	return zone_alloc(&zones[ZONE_LOW], order);
}

struct page *page_alloc_zero(unsigned order)
{
	struct page *p = page_alloc(order);

	if (p)
		memset(page_virt(p), 0, PAGE_SIZE << order);
	return p;
}

static void block_free(struct page *p)
{
	uint64_t frame = p - page_array;
	struct zone *z = zone_of(frame);
	unsigned long flags;

	if (p->flags & (PAGE_FREE | PAGE_RESERVED))
		panic("page %lx freed twice or never allocated (flags %x)", page_phys(p), p->flags);
	flags = spin_lock_irqsave(&z->lock);
	block_insert(z, frame, p->order);
	spin_unlock_irqrestore(&z->lock, flags);
}

void page_put(struct page *p)
{
	uint32_t left = __atomic_sub_fetch(&p->refcount, 1, __ATOMIC_ACQ_REL);

	if (left == 0)
		block_free(p);
	else if (left == UINT32_MAX)
		panic("page %lx released more often than it was taken", page_phys(p));
}

void page_free(struct page *p, unsigned order)
{
	KASSERT(page_refs(p) == 1 && p->order == order);
	p->refcount = 0;
	block_free(p);
}

uint64_t mem_total_pages(void)
{
	return total_pages;
}

uint64_t mem_free_pages(void)
{
	return __atomic_load_n(&zones[ZONE_LOW].free_pages, __ATOMIC_RELAXED) +
	       __atomic_load_n(&zones[ZONE_HIGH].free_pages, __ATOMIC_RELAXED);
}

static void reserve_range(uint64_t first, uint64_t end)
{
	for (uint64_t f = first; f < end; f++)
		page_array[f].flags = PAGE_RESERVED;
}

/* Hands frames [first, end) over to the allocator in the largest aligned blocks. */
static void free_range(uint64_t first, uint64_t end)
{
	while (first < end) {
		unsigned order = PAGE_MAX_ORDER;

		while ((first & ((1ul << order) - 1)) || first + (1ul << order) > end)
			order--;
		block_insert(zone_of(first), first, order);
		total_pages += 1ul << order;
		first += 1ul << order;
	}
}

void page_init(struct boot_info *bi)
{
	struct page_plan plan;
	uint64_t done = 0;

	page_plan_make(&plan, bi, (uint64_t)boot_load_start, (uint64_t)boot_bss_end,
		       setting_get_u64("mem", UINT64_MAX), kmap_early(), sizeof(struct page));
	if (plan.usable < MEM_MINIMUM)
		panic("only %lu KB of usable memory: Muster needs at least %lu MB",
		      plan.usable >> 10, MEM_MINIMUM >> 20);
	if (plan.array_base == 0)
		panic("no piece of memory that the processor reaches now is large enough for the table "
		      "of %lu MB: mem=60G uses less",
		      plan.usable >> 20);
	page_array = phys_virt(plan.array_base);
	page_array_len = plan.frames;
	for (int z = 0; z < ZONES; z++) {
		spin_init(&zones[z].lock);
		for (int o = 0; o <= PAGE_MAX_ORDER; o++)
			list_init(&zones[z].free[o]);
	}
	/* Of a terabyte this is 8 GB: one pass. */
	memset(page_array, 0, plan.frames * sizeof(struct page));
	for (unsigned i = 0; i < plan.free_count; i++) {
		reserve_range(done, plan.free[i].first);
		done = plan.free[i].end;
	}
	reserve_range(done, plan.frames);
	for (unsigned i = 0; i < plan.free_count; i++)
		free_range(plan.free[i].first, plan.free[i].end);
	if (plan.dropped)
		kprintf("memory: %lu MB lie in more pieces than the table has room for: unused\n",
			plan.dropped >> (20 - PAGE_SHIFT));
}
