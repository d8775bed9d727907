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

/*
 * A CPU that runs a kernel thread keeps the guest's tables loaded: the thread never looks at the
 * user half, and the guest that ran before it is often the one that runs after it. It is then lazy:
 * it need not be woken for a flush, it only must do all of them before it runs a guest again. Each
 * CPU writes its own lazy, the others set its stale.
 */
static struct {
	bool lazy, stale;
} cpu_tlb[MAX_CPUS];

/* May the flush be left to the CPU itself? Pairs with mm_activate(). */
static bool leave_to(int cpu)
{
	if (!__atomic_load_n(&cpu_tlb[cpu].lazy, __ATOMIC_SEQ_CST))
		return false;
	__atomic_store_n(&cpu_tlb[cpu].stale, true, __ATOMIC_SEQ_CST);
	/* Still lazy: then it sees stale when it ceases to be. Else it may have looked too early. */
	return __atomic_load_n(&cpu_tlb[cpu].lazy, __ATOMIC_SEQ_CST);
}

/*
 * Runs fn here and on all other CPUs that may have mm loaded; returns when all have. lazy_too: also
 * on those that could do it later.
 */
static void on_cpus_of(struct mm *mm, void (*fn)(void *arg), void *arg, bool lazy_too)
{
	struct cpumask others = { { 0 } };
	unsigned long flags;
	bool any = false;
	int self;

	/* Entries changed before; a CPU that sets its bit from now on loads the changed ones. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = irq_save();
	fn(arg);
	self = cpu_id();
	irq_restore(flags);
	cpumask_for_each(cpu, &mm->cpus)
	{
		if (cpu == self || (!lazy_too && leave_to(cpu)))
			continue;
		others.bits[cpu / 64] |= 1ull << (cpu % 64);
		any = true;
	}
	if (any)
		ipi_call(&others, fn, arg, true);
}

void tlb_begin(struct tlb_batch *batch, struct mm *mm)
{
	batch->mm = mm;
	batch->start = UINT64_MAX;
	batch->end = 0;
	batch->npages = 0;
	batch->tables = false;
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
		/* A lazy CPU may still walk tables in advance: not these any more. */
		on_cpus_of(batch->mm, flush_here, &f, batch->tables);
	for (unsigned i = 0; i < batch->npages; i++)
		page_put(batch->pages[i]);
	tlb_begin(batch, batch->mm);
}

/* --- CR3 ------------------------------------------------------------------------------------- */

/* At every switch of threads, interrupts off. NULL: a kernel thread, see cpu_tlb. */
void mm_activate(struct mm *mm)
{
	struct percpu *cpu = this_cpu();
	struct mm *old = cpu->active_mm;
	bool stale;

	__atomic_store_n(&cpu_tlb[cpu->id].lazy, !mm, __ATOMIC_SEQ_CST);
	if (!mm)
		return;
	stale = __atomic_exchange_n(&cpu_tlb[cpu->id].stale, false, __ATOMIC_SEQ_CST);
	if (mm == old) {
		if (stale)
			write_cr3(mm->root);
		return;
	}
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
	on_cpus_of(mm, unload_here, mm, true);
}
