/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of kernel/mm share about address spaces. All under mm->lock unless said otherwise.
 */
#ifndef KERNEL_MM_INTERNAL_H
#define KERNEL_MM_INTERNAL_H

#include "kernel/mm/mm.h"
#include "kernel/mm/pagetable.h"
#include "kernel/mm/tlb.h"

/* --- mm.c ------------------------------------------------------------------------------------ */

/* One page of zeros, mapped wherever anonymous memory was read but never written. */
uint64_t zero_page_phys(void);

/*
 * A page for a guest, or NULL when only the reserve is left, which belongs to the kernel: cached
 * file pages are dropped first. Any thread context.
 */
struct page *guest_page_alloc(bool zero);

/* Stores an entry over *pte and keeps the counts right. Neither references nor flushes. */
void mm_set_pte(struct mm *mm, pte_t *pte, pte_t value);

/* Takes everything out of start..end: pages are freed, what is away is forgotten. */
void mm_zap(struct mm *mm, uint64_t start, uint64_t end, struct tlb_batch *batch);

/* Wakes those who wait for pages of this mm, to look again. */
void mm_event(struct mm *mm);

/* --- fetch.c --------------------------------------------------------------------------------- */

/* The request on its way that will bring the away page at addr, or NULL. */
struct mm_fetch *fetch_covering(struct mm *mm, uint64_t addr);

/*
 * Asks home. With a file, the slots from index on have been claimed. 0, -ENOMEM, or -EINTR when
 * home is lost; then the slots are absent again.
 */
int fetch_start(struct mm *mm, uint64_t addr, unsigned npages, struct cfile *file, uint64_t index);

/* What lies in start..end is no longer what was asked for. */
void fetch_unwant(struct mm *mm, uint64_t start, uint64_t end);

/* A hold has ended: goes on with the background fetch if that could not. */
void fetch_resume(struct mm *mm);

/* Forgets all requests; claimed slots become absent. */
void fetch_forget_all(struct mm *mm);

#endif
