/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user half of x86-64 page tables (Intel SDM vol. 3, 4.5), and what an entry says here. Private
 * to kernel/mm. Guarded by mm->lock; flushing the TLB is the caller's duty (tlb.h).
 *
 * Accessed and dirty are always set beforehand: this kernel never asks for them, and the CPU need
 * not write them. So entries only change under the lock and can be stored plainly.
 */
#ifndef KERNEL_MM_PAGETABLE_H
#define KERNEL_MM_PAGETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/mm/page.h"

typedef uint64_t pte_t;

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_NX	     (1ull << 63)
#define PTE_ADDR     0x000ffffffffff000ull

#define PT_SPAN (1ull << 21) /* bytes that a lowest-level table maps: its entries lie side by side */

/* Ours, in bits that the CPU ignores. */
#define PTE_FILE   (1ull << 9)	/* a page of the file cache: never written, but see PTE_SHARED */
#define PTE_ZERO   (1ull << 10) /* the shared zero page: not counted, no reference */
#define PTE_HIDDEN (1ull << 11) /* not present, but holds its page: PROT_NONE */
#define PTE_AWAY   (1ull << 52) /* not present: the content is at home */
#define PTE_SHARED (1ull << 54) /* with PTE_FILE: of shared memory, written in place */
#define PTE_LOST   (1ull << 53) /* not present: home could not read it; access gives SIGBUS */

/* Does the entry refer to a page frame? */
static inline bool pte_has_page(pte_t pte)
{
	return pte & (PTE_PRESENT | PTE_HIDDEN);
}

/*
 * A page that belongs to this address space alone, or shared with a fork's other half until
 * written.
 */
static inline bool pte_is_private(pte_t pte)
{
	return pte_has_page(pte) && !(pte & (PTE_FILE | PTE_ZERO));
}

static inline struct page *pte_page(pte_t pte)
{
	return phys_page(pte & PTE_ADDR);
}

static inline void pte_set(pte_t *pte, pte_t value)
{
	__atomic_store_n(pte, value, __ATOMIC_RELEASE);
}

/*
 * An entry for a page in a mapping with rights prot (WVMA_READ...). kind: 0, PTE_FILE, PTE_ZERO, or
 * PTE_FILE | PTE_SHARED.
 * writable: it may be written without copying it first, if prot allows.
 */
pte_t pte_make(uint64_t phys, pte_t kind, uint32_t prot, bool writable);

/* A new top-level table with the kernel half, as a physical address; 0 when memory is out. */
uint64_t pt_create(void);

/* Frees all tables. No entry may refer to a page any more, no CPU may have them loaded. */
void pt_destroy(uint64_t root);

/* The entry for addr, or NULL when there is no table; with make, NULL means memory is out. */
pte_t *pt_find(uint64_t root, uint64_t addr);
pte_t *pt_make(uint64_t root, uint64_t addr);

/*
 * Calls fn for every entry in start..end that is not 0, in order; fn may change it. A result other
 * than 0 ends the walk and is returned.
 */
int pt_walk(uint64_t root, uint64_t start, uint64_t end,
	    int (*fn)(void *arg, uint64_t addr, pte_t *pte), void *arg);

struct tlb_batch;

/*
 * Frees the lowest-level tables that lie wholly in floor..ceiling and overlap start..end; all
 * entries in floor..ceiling must be 0. They are freed after the batch's flush.
 */
void pt_prune(uint64_t root, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling,
	      struct tlb_batch *batch);

#endif
