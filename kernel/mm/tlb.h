/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeping the TLBs of all CPUs true. Pages that were unmapped are collected in a batch and freed
 * only after every CPU that may have used them has flushed. Private to kernel/mm.
 *
 * A batch lives on the stack: tlb_begin(), entries are changed and noted, tlb_finish(). All under
 * mm->lock, in thread context, with interrupts on and no spin lock held.
 */
#ifndef KERNEL_MM_TLB_H
#define KERNEL_MM_TLB_H

#include <stdbool.h>
#include <stdint.h>

struct mm;
struct page;

#define TLB_BATCH_PAGES 128

struct tlb_batch {
	struct mm *mm;
	uint64_t start, end; /* what to flush; empty when start >= end */
	bool tables;	     /* page tables are among the pages */
	unsigned npages;
	struct page *pages[TLB_BATCH_PAGES];
};

void tlb_begin(struct tlb_batch *batch, struct mm *mm);

/* Entries in start..end were taken away or lost rights. */
void tlb_flush_range(struct tlb_batch *batch, uint64_t start, uint64_t end);

/* Drops the mapping's reference of a page once nobody can reach it through a TLB any more. */
void tlb_free_page(struct tlb_batch *batch, struct page *page);

void tlb_finish(struct tlb_batch *batch);

/* No CPU has mm's tables loaded any more when this returns. */
void tlb_unload(struct mm *mm);

#endif
