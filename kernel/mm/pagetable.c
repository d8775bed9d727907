/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables: four levels, made on demand. */
#include "kernel/mm/pagetable.h"

#include <stddef.h>

#include "kernel/cpu/features.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/tlb.h"
#include "kernel/mm/vma.h"

#define TABLE_FLAGS  (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED)
#define USER_ENTRIES 256	  /* of the top-level table; the rest is the kernel's */

static unsigned shift_of(int level)
{
	return PAGE_SHIFT + 9 * (unsigned)level;
}

static pte_t *entry(uint64_t table, int level, uint64_t addr)
{
	return (pte_t *)phys_virt(table & PTE_ADDR) + (addr >> shift_of(level)) % 512;
}

pte_t pte_make(uint64_t phys, pte_t kind, uint32_t prot, bool writable)
{
	pte_t pte = phys | kind | PTE_ACCESSED;

	if (!(prot & VMA_PROT))
		return pte | PTE_HIDDEN;
	pte |= PTE_PRESENT | PTE_USER;
	if (!(prot & WVMA_EXEC) && CPU_HAS_NX)
		pte |= PTE_NX;
	if ((prot & WVMA_WRITE) && writable)
		pte |= PTE_WRITE | PTE_DIRTY;
	return pte;
}

uint64_t pt_create(void)
{
	struct page *page = page_alloc_zero(0);

	if (!page)
		return 0;
	kmap_copy_kernel_half(page_virt(page));
	return page_phys(page);
}

static void free_table(uint64_t table, int level)
{
	if (level > 0)
		for (int i = 0; i < (level == 3 ? USER_ENTRIES : 512); i++) {
			pte_t e = ((pte_t *)phys_virt(table))[i];

			if (e & PTE_PRESENT)
				free_table(e & PTE_ADDR, level - 1);
		}
	page_put(phys_page(table));
}

void pt_destroy(uint64_t root)
{
	free_table(root, 3);
}

/*
 * The lowest-level table for addr. Without one, NULL and *span is the naturally aligned size of the
 * region around addr that has none.
 */
static pte_t *lowest_table(uint64_t root, uint64_t addr, uint64_t *span)
{
	uint64_t table = root;

	for (int level = 3; level > 0; level--) {
		pte_t e = *entry(table, level, addr);

		*span = 1ull << shift_of(level);
		if (!(e & PTE_PRESENT))
			return NULL;
		table = e & PTE_ADDR;
	}
	return phys_virt(table);
}

pte_t *pt_find(uint64_t root, uint64_t addr)
{
	uint64_t span;
	pte_t *table = lowest_table(root, addr, &span);

	return table ? &table[(addr >> PAGE_SHIFT) % 512] : NULL;
}

pte_t *pt_make(uint64_t root, uint64_t addr)
{
	uint64_t table = root;

	for (int level = 3; level > 0; level--) {
		pte_t *e = entry(table, level, addr);

		if (!(*e & PTE_PRESENT)) {
			struct page *page = guest_page_alloc(true);

			if (!page)
				return NULL;
			pte_set(e, page_phys(page) | TABLE_FLAGS);
		}
		table = *e & PTE_ADDR;
	}
	return entry(table, 0, addr);
}

int pt_walk(uint64_t root, uint64_t start, uint64_t end,
	    int (*fn)(void *arg, uint64_t addr, pte_t *pte), void *arg)
{
	uint64_t addr = start;

	while (addr < end) {
		uint64_t span, next;
		pte_t *table = lowest_table(root, addr, &span);

		next = (addr | (span - 1)) + 1;
		if (next > end)
			next = end;
		for (; table && addr < next; addr += PAGE_SIZE) {
			pte_t *pte = &table[(addr >> PAGE_SHIFT) % 512];
			int result = *pte ? fn(arg, addr, pte) : 0;

			if (result)
				return result;
		}
		addr = next;
	}
	return 0;
}

void pt_prune(uint64_t root, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling,
	      struct tlb_batch *batch)
{
	uint64_t addr = start & ~(PT_SPAN - 1);

	while (addr < end) {
		uint64_t span;
		pte_t *table = lowest_table(root, addr, &span);

		if (table && addr >= floor && addr + PT_SPAN <= ceiling) {
			uint64_t upper = root;

			for (int level = 3; level > 1; level--)
				upper = *entry(upper, level, addr) & PTE_ADDR;
			pte_set(entry(upper, 1, addr), 0);
			tlb_flush_range(batch, addr, addr + PAGE_SIZE);
			batch->tables = true;
			tlb_free_page(batch, virt_page(table));
		}
		addr = (addr | (span - 1)) + 1;
	}
}
