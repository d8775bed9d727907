/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's page tables. W^X: no page of the image is both writable and executable, under none
 * of its addresses; the direct map is never executable. The direct map covers everything from 0 to the end of memory,
 * holes included: there the MTRRs keep accesses uncached, and drivers use mmio_map().
 */
#include "kernel/mm/kmap.h"

#include <stdbool.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/x86.h"
#include "kernel/image.h"
#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"

#define PTE_P (1ul << 0)
#define PTE_W (1ul << 1)
#define PTE_PWT (1ul << 3)
#define PTE_PCD (1ul << 4)
#define PTE_LARGE (1ul << 7)
#define PTE_PAT (1ul << 7)	/* in the last level */
#define PTE_G (1ul << 8)
#define PTE_ADDR 0x000ffffffffff000ul
#define PTE_NX (1ul << 63)

#define SIZE_2M (1ul << 21)
#define SIZE_1G (1ul << 30)
#define SIZE_512G (1ul << 39)
#define FOUR_GB (1ul << 32)

#define MMIO_BASE 0xffffc00000000000ul

static uint64_t pml4[512] __attribute__((aligned(4096)));
static uint64_t nx; /* PTE_NX where the CPU has it */
static spinlock_t mmio_lock = SPINLOCK_INIT;
static uint64_t mmio_next = MMIO_BASE;

static unsigned index_at(uint64_t va, int level)
{
	return va >> (12 + 9 * level) & 511;
}

/* The table below entry *e, made if needed; NULL without memory. */
static uint64_t *table_below(uint64_t *e)
{
	if (!(*e & PTE_P)) {
		struct page *p = page_alloc_low(0);

		if (p == NULL)
			return NULL;
		memset(page_virt(p), 0, PAGE_SIZE);
		*e = page_phys(p) | PTE_P | PTE_W;
	}
	return phys_virt(*e & PTE_ADDR);
}

/* Maps one page of 4 KB (level 0), 2 MB (1) or 1 GB (2). */
static bool map_one(uint64_t va, uint64_t pa, int level, uint64_t bits)
{
	uint64_t *table = pml4;

	for (int l = 3; l > level; l--) {
		table = table_below(&table[index_at(va, l)]);
		if (table == NULL)
			return false;
	}
	table[index_at(va, level)] = pa | bits | PTE_P | (level ? PTE_LARGE : 0);
	return true;
}

static void map_image(char *start, char *end, uint64_t bits)
{
	for (uint64_t va = PAGE_ALIGN_DOWN(start); va < PAGE_ALIGN_UP(end); va += PAGE_SIZE)
		if (!map_one(va, va - KERNEL_BASE, 0, bits | PTE_G))
			panic("no memory for the kernel's page tables");
}

static void map_direct(void)
{
	uint64_t top = page_array_len << PAGE_SHIFT;
	uint64_t pa = 0, bits = PTE_W | PTE_G | nx;

	if (top < FOUR_GB)
		top = FOUR_GB;
	/*
	 * Small pages for the first 2 MB, which have several memory types (SDM vol. 3A, 12.11.9), and
	 * up to the kernel's end, so that its text cannot be written through this map either.
	 */
	uint64_t small = ((uint64_t)kernel_end - KERNEL_BASE + SIZE_2M - 1) & ~(SIZE_2M - 1);

	while (pa < top) {
		int level = pa < small ? 0 : 1;

		if (pa >= FOUR_GB && CPU_HAS_1G_PAGES && (pa & (SIZE_1G - 1)) == 0 &&
		    top - pa >= SIZE_1G)
			level = 2;
		bool constant = pa >= (uint64_t)kernel_text_start - KERNEL_BASE &&
				pa < (uint64_t)kernel_rodata_end - KERNEL_BASE;

		if (!map_one(DIRECT_MAP + pa, pa, level, constant ? bits & ~PTE_W : bits))
			panic("no memory for the direct map");
		pa += PAGE_SIZE << (9 * level);
	}
}

/* One table of 1 GB pages is there already; its first four entries are tables of 2 MB pages. */
uint64_t kmap_early(void)
{
	uint64_t *top = phys_virt(read_cr3() & PTE_ADDR);
	uint64_t *table = phys_virt(top[index_at(DIRECT_MAP, 3)] & PTE_ADDR);

	if (!CPU_HAS_1G_PAGES)
		return FOUR_GB;
	for (uint64_t i = FOUR_GB / SIZE_1G; i < 512; i++)
		table[i] = i * SIZE_1G | PTE_P | PTE_W | PTE_LARGE;
	return SIZE_512G;
}

void kmap_init(void)
{
	nx = CPU_HAS_NX ? PTE_NX : 0;
	map_image(kernel_text_start, kernel_text_end, 0);
	map_image(kernel_rodata_start, kernel_rodata_end, nx);
	map_image(kernel_data_start, kernel_end, nx | PTE_W);
	map_direct();
	if (table_below(&pml4[index_at(MMIO_BASE, 3)]) == NULL)
		panic("no memory for the device map");
	write_cr3(kmap_cr3());
}

uint64_t kmap_cr3(void)
{
	return virt_phys(pml4);
}

void kmap_copy_kernel_half(uint64_t *to)
{
	memcpy(to + 256, pml4 + 256, 256 * sizeof(uint64_t));
}

static void *device_map(uint64_t pa, size_t len, uint64_t type)
{
	uint64_t first = PAGE_ALIGN_DOWN(pa);
	uint64_t size = PAGE_ALIGN_UP(pa + len) - first;
	unsigned long flags = spin_lock_irqsave(&mmio_lock);
	uint64_t va = mmio_next;
	bool ok = size <= SIZE_512G && va + size < MMIO_BASE + SIZE_512G;

	for (uint64_t at = 0; ok && at < size; at += PAGE_SIZE)
		ok = map_one(va + at, first + at, 0, type | PTE_W | PTE_G | nx);
	if (ok)
		mmio_next = va + size + PAGE_SIZE; /* one page stays unmapped: overruns fault */
	spin_unlock_irqrestore(&mmio_lock, flags);
	return ok ? (void *)(va + (pa - first)) : NULL;
}

void *mmio_map(uint64_t pa, size_t len)
{
	return device_map(pa, len, PTE_PCD | PTE_PWT);
}

void *mmio_map_wc(uint64_t pa, size_t len)
{
	/* Entry 5 of the PAT, which cpu_init() sets to write combining. */
	return device_map(pa, len, PTE_PAT | PTE_PWT);
}
