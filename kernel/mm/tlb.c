/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLB shootdown, and which address space a CPU has loaded. */
#include "kernel/mm/tlb.h"

#include <stdbool.h>

#include "kernel/cpu/ipi.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/page.h"
#include "kernel/proc/thread.h"
#include "kernel/sync/spinlock.h"

/* More pages than this are flushed by loading CR3 again. */
#define INVLPG_MAX 32

struct flush {
	struct mm *mm;
	uint64_t start, end;
};

/* On each CPU, interrupts off. */
static void flush_here(void *arg)
{
	const struct flush *f = arg;

	if (this_cpu()->active_mm != f->mm)
		return;
	if ((f->end - f->start) / PAGE_SIZE > INVLPG_MAX) {
		write_cr3(read_cr3());
		return;
	}
	for (uint64_t addr = f->start; addr < f->end; addr += PAGE_SIZE)
		invlpg(addr);
}

/* Runs fn here and on all other CPUs that may have mm loaded; returns when all have. */
static void on_cpus_of(struct mm *mm, void (*fn)(void *arg), void *arg)
{
	struct cpumask others;
	unsigned long flags;
	bool any = false;
	int self;

	/* Entries changed before; a CPU that sets its bit from now on loads the changed ones. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = irq_save();
	fn(arg);
	self = cpu_id();
	irq_restore(flags);
	for (unsigned i = 0; i < MAX_CPUS / 64; i++)
		others.bits[i] = __atomic_load_n(&mm->cpus.bits[i], __ATOMIC_SEQ_CST);
	others.bits[self / 64] &= ~(1ull << (self % 64));
	for (unsigned i = 0; i < MAX_CPUS / 64; i++)
		any |= others.bits[i] != 0;
	if (any)
		ipi_call(&others, fn, arg, true);
}

void tlb_begin(struct tlb_batch *batch, struct mm *mm)
{
	batch->mm = mm;
	batch->start = UINT64_MAX;
	batch->end = 0;
	batch->npages = 0;
}

void tlb_flush_range(struct tlb_batch *batch, uint64_t start, uint64_t end)
{
	if (start < batch->start)
		batch->start = start;
	if (end > batch->end)
		batch->end = end;
}

void tlb_free_page(struct tlb_batch *batch, struct page *page)
{
	if (batch->npages == TLB_BATCH_PAGES)
		tlb_finish(batch);
	batch->pages[batch->npages++] = page;
}

void tlb_finish(struct tlb_batch *batch)
{
	struct flush f = { batch->mm, batch->start, batch->end };

	if (f.start < f.end)
		on_cpus_of(batch->mm, flush_here, &f);
	for (unsigned i = 0; i < batch->npages; i++)
		page_put(batch->pages[i]);
	tlb_begin(batch, batch->mm);
}

/* --- CR3 ------------------------------------------------------------------------------------- */

/*
 * A kernel thread keeps whatever is loaded: it never looks at the user half, and the guest that ran
 * before it is often the one that runs after it. tlb_unload() breaks that off in the end.
 */
void mm_activate(struct mm *mm)
{
	struct percpu *cpu = this_cpu();
	struct mm *old = cpu->active_mm;

	if (!mm || mm == old)
		return;
	/* Announce first, load then: who changes entries in between sends this CPU a flush. */
	cpumask_set(&mm->cpus, cpu->id);
	cpu->active_mm = mm;
	write_cr3(mm->root);
	if (old)
		cpumask_clear(&old->cpus, cpu->id);
}

static void unload_here(void *arg)
{
	struct mm *mm = arg;
	struct percpu *cpu = this_cpu();

	if (cpu->active_mm != mm)
		return;
	write_cr3(kmap_cr3());
	cpu->active_mm = NULL;
	cpumask_clear(&mm->cpus, cpu->id);
}

void tlb_unload(struct mm *mm)
{
	on_cpus_of(mm, unload_here, mm);
}
