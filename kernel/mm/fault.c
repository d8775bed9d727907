/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page faults. What is in reach is mapped at once; what is at home is asked for, and the thread
 * sleeps without any lock until something arrived, then looks again from the beginning.
 */
#include <errno.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"
#include "kernel/proc/thread.h"

/* The same numbers as everywhere in Linux on x86 (siginfo.h). */
enum { SIGNO_BUS = 7, SIGNO_SEGV = 11 };
enum { CODE_MAPERR = 1, CODE_ACCERR = 2, CODE_ADRERR = 2 };

/* What a fault found out under the lock, and what it waits for after. */
struct fault {
	struct mm *mm;
	uint64_t addr; /* of the page */
	enum mm_access access;
	struct fault_info *info;
	struct vma *vma;
	pte_t *pte;
	uint32_t events;    /* mm->events when it looked */
	struct cfile *file; /* wait for this slot (a reference); NULL: for the next event */
	uint64_t index;
	bool *asked; /* home has been asked by this fault */
};

static int signal(struct fault *f, int signo, int code)
{
	f->info->signo = signo;
	f->info->code = code;
	return -EFAULT;
}

/* Makes the entry refer to page, whose reference goes to it. */
static void map_page(struct fault *f, struct page *page, pte_t kind)
{
	mm_set_pte(f->mm, f->pte, pte_make(page_phys(page), kind, f->vma->flags, !kind));
}

/* --- memory that is here --------------------------------------------------------------------- */

/*
 * A write to a page that is shared with somebody: the cache, a fork's other half, or all readers of
 * 0.
 */
static int fault_copy(struct fault *f)
{
	pte_t old = *f->pte;
	struct page *page;
	struct tlb_batch batch;

	if (pte_is_private(old) && page_refs(pte_page(old)) == 1) {
		/* All others have gone. Only this address space could share it anew. */
		pte_set(f->pte, pte_make(old & PTE_ADDR, 0, f->vma->flags, true));
		invlpg(f->addr);
		return 0;
	}
	page = guest_page_alloc(old & PTE_ZERO);
	if (!page)
		return -ENOMEM;
	if (!(old & PTE_ZERO))
		memcpy(page_virt(page), page_virt(pte_page(old)), PAGE_SIZE);
	tlb_begin(&batch, f->mm);
	map_page(f, page, 0);
	/* Others must not go on reading the old page after this thread has written the new one. */
	tlb_flush_range(&batch, f->addr, f->addr + PAGE_SIZE);
	if (!(old & PTE_ZERO))
		tlb_free_page(&batch, pte_page(old));
	tlb_finish(&batch);
	return 0;
}

/* The first write to a page of shared memory since it was mapped, or was last taken home. */
static int fault_share_write(struct fault *f)
{
	filecache_dirty(f->vma->file, vma_offset_at(f->vma, f->addr) / PAGE_SIZE);
	f->mm->share_written |= cfile_seen(f->vma->file);
	pte_set(f->pte, pte_make(*f->pte & PTE_ADDR, PTE_FILE | PTE_SHARED, f->vma->flags, true));
	invlpg(f->addr);
	return 0;
}

static int fault_present(struct fault *f)
{
	if (f->access == MM_WRITE && (*f->pte & (PTE_SHARED | PTE_WRITE)) == PTE_SHARED)
		return fault_share_write(f);
	if (f->access == MM_WRITE && !(*f->pte & PTE_WRITE))
		return fault_copy(f);
	/* Another thread was faster, or this CPU remembers an entry that had fewer rights. */
	invlpg(f->addr);
	return 0;
}

static int fault_anonymous(struct fault *f)
{
	struct page *page;

	if (f->access != MM_WRITE) {
		mm_set_pte(f->mm, f->pte,
			   pte_make(zero_page_phys(), PTE_ZERO, f->vma->flags, false));
		return 0;
	}
	page = guest_page_alloc(true);
	if (!page)
		return -ENOMEM;
	map_page(f, page, 0);
	return 0;
}

/* --- memory at home -------------------------------------------------------------------------- */

/* The part of the mapping that one request may cover; it never leaves one page table. */
static void fault_window(const struct fault *f, uint64_t *from, uint64_t *to)
{
	const uint64_t size = MM_FAULT_WINDOW * PAGE_SIZE;

	*from = f->addr & ~(size - 1);
	*to = *from + size;
	if (*from < f->vma->start)
		*from = f->vma->start;
	if (*to > f->vma->end)
		*to = f->vma->end;
}

/* The entry of another page in the window. */
static pte_t *window_pte(const struct fault *f, uint64_t addr)
{
	return f->pte + ((int64_t)(addr - f->addr) >> PAGE_SHIFT);
}

static bool can_fetch(const struct fault *f, uint64_t addr)
{
	return (*window_pte(f, addr) & PTE_AWAY) && !fetch_covering(f->mm, addr);
}

/* Asks for the page and what is away around it, unless it is on its way. */
static int fault_away(struct fault *f)
{
	uint64_t low, high, from = f->addr, to = f->addr + PAGE_SIZE;
	int err;

	if (fetch_covering(f->mm, f->addr))
		return -EAGAIN;
	fault_window(f, &low, &high);
	while (from > low && can_fetch(f, from - PAGE_SIZE))
		from -= PAGE_SIZE;
	while (to < high && can_fetch(f, to))
		to += PAGE_SIZE;
	if (!guest_memory_ok((to - from) / PAGE_SIZE))
		return -ENOMEM;
	err = fetch_start(f->mm, from, (to - from) / PAGE_SIZE, NULL, 0);
	return err ? err : -EAGAIN;
}

/* A slot that could not be claimed: for lack of memory, or because another process was faster? */
static bool still_absent(struct cfile *file, uint64_t index)
{
	struct page *page;
	enum cpage_state state = filecache_lookup(file, index, &page);

	if (state == CPAGE_PRESENT)
		page_put(page);
	return state == CPAGE_ABSENT;
}

/*
 * Asks for a page of a file and its neighbours. Only pages that are untouched in this address space
 * are asked for: home reads through its copy of it, where all others may have private content.
 */
static int fetch_file(struct fault *f, struct cfile *file, uint64_t index)
{
	uint64_t low, high, from = f->addr, to = f->addr + PAGE_SIZE, pages = cfile_pages(file);
	int err;

	*f->asked = true;
	if (!guest_memory_ok(MM_FAULT_WINDOW))
		return -ENOMEM;
	if (!filecache_claim(file, index, 1))
		return still_absent(file, index) ? -ENOMEM : 0;
	fault_window(f, &low, &high);
	while (from > low && !*window_pte(f, from - PAGE_SIZE) &&
	       filecache_claim(file, index - (f->addr - from) / PAGE_SIZE - 1, 1))
		from -= PAGE_SIZE;
	while (to < high && !*window_pte(f, to) && index + (to - f->addr) / PAGE_SIZE < pages &&
	       filecache_claim(file, index + (to - f->addr) / PAGE_SIZE, 1))
		to += PAGE_SIZE;
	err = fetch_start(f->mm, from, (to - from) / PAGE_SIZE, file,
			  index - (f->addr - from) / PAGE_SIZE);
	return err ? err : -EAGAIN;
}

/* How pages of the file that is mapped here are entered. */
static pte_t cached_kind(const struct fault *f)
{
	return f->vma->flags & VMA_LIVE ? PTE_FILE | PTE_SHARED : PTE_FILE;
}

/* Maps what the cache has around the page just mapped: a fault costs more than an entry. */
static void map_around(struct fault *f, struct cfile *file)
{
	uint64_t addr, low, high;

	fault_window(f, &low, &high);
	for (addr = low; addr < high; addr += PAGE_SIZE) {
		pte_t *pte = window_pte(f, addr);
		struct page *page;

		if (*pte || filecache_lookup(file, vma_offset_at(f->vma, addr) / PAGE_SIZE,
					     &page) != CPAGE_PRESENT)
			continue;
		mm_set_pte(f->mm, pte, pte_make(page_phys(page), cached_kind(f), f->vma->flags,
						false));
	}
}

/* Untouched memory that is shared: whoever comes first makes the page. */
static int fault_fresh(struct cfile *file, uint64_t index)
{
	if (!guest_memory_ok(1))
		return -ENOMEM;
	if (filecache_claim(file, index, 1) &&
	    filecache_install(file, index, WPAGE_ZERO, NULL))
		return -ENOMEM;
	return 0; /* it is there now: faults again */
}

/* Nothing was there when somebody asked home. Has the file grown since? */
static int fault_beyond(struct fault *f, struct cfile *file, uint64_t index)
{
	if (!cfile_live(file))
		return signal(f, SIGNO_BUS, CODE_ADRERR);
	filecache_forget(file, index);
	return *f->asked ? signal(f, SIGNO_BUS, CODE_ADRERR) : fetch_file(f, file, index);
}

static int fault_file(struct fault *f)
{
	struct cfile *file = f->vma->file;
	uint64_t index = vma_offset_at(f->vma, f->addr) / PAGE_SIZE;
	struct page *cached, *copy;

	if (index >= cfile_pages(file))
		return signal(f, SIGNO_BUS, CODE_ADRERR);
	switch (filecache_lookup(file, index, &cached)) {
	case CPAGE_NONE:
		return fault_beyond(f, file, index);
	case CPAGE_ABSENT:
		return cfile_fresh(file) ? fault_fresh(file, index) : fetch_file(f, file, index);
	case CPAGE_COMING:
		f->file = cfile_get(file);
		f->index = index;
		return -EAGAIN;
	case CPAGE_PRESENT:
		break;
	}
	if (f->access == MM_WRITE && (f->vma->flags & VMA_LIVE)) {
		filecache_dirty(file, index);
		f->mm->share_written |= cfile_seen(file);
		mm_set_pte(f->mm, f->pte, pte_make(page_phys(cached), PTE_FILE | PTE_SHARED,
						   f->vma->flags, true));
		return 0;
	}
	if (f->access != MM_WRITE) {
		map_page(f, cached, cached_kind(f));
		map_around(f, file);
		return 0;
	}
	copy = guest_page_alloc(false);
	if (copy) {
		memcpy(page_virt(copy), page_virt(cached), PAGE_SIZE);
		map_page(f, copy, 0);
	}
	page_put(cached);
	return copy ? 0 : -ENOMEM;
}

/* --- deciding -------------------------------------------------------------------------------- */

/* The mapping that addr belongs to, after a stack has grown to contain it. */
static int fault_vma(struct fault *f)
{
	struct mm *mm = f->mm;
	struct vma *vma = vma_find(&mm->vmas, f->addr);
	uint64_t old;

	f->vma = vma;
	if (!vma)
		return signal(f, SIGNO_SEGV, CODE_MAPERR);
	if (vma->start <= f->addr)
		return 0;
	if (!(vma->flags & WVMA_GROWSDOWN) || f->addr < MM_MIN_ADDR ||
	    vma_may_grow(vma, f->addr, mm->rlim_stack))
		return signal(f, SIGNO_SEGV, CODE_MAPERR);
	old = vma->start;
	vma_extend_down(&mm->vmas, vma, f->addr);
	if (mm->pager && mm->pager->stack_grown)
		mm->pager->stack_grown(mm->pager, vma->start, old);
	return 0;
}

static bool may_access(const struct vma *vma, enum mm_access access)
{
	/* On x86 whatever may be written or executed can be read. */
	return vma->flags & (access == MM_READ ? VMA_PROT : (uint32_t)access);
}

/* 0, -EAGAIN to wait and try again, or what mm_fault() returns. */
static int fault_locked(struct fault *f)
{
	struct mm *mm = f->mm;
	int err;

	if (f->addr >= mm->hold_start && f->addr < mm->hold_end)
		return -EAGAIN;
	err = fault_vma(f);
	if (err)
		return err;
	if (f->vma->flags & WVMA_RESERVED)
		return -EREMOTE;
	if (!may_access(f->vma, f->access))
		return signal(f, SIGNO_SEGV, CODE_ACCERR);
	if (mm->no_memory) {
		mm->no_memory = false;
		return -ENOMEM;
	}
	f->pte = pt_make(mm->root, f->addr);
	if (!f->pte)
		return -ENOMEM;
	if (*f->pte & PTE_PRESENT)
		return fault_present(f);
	if (*f->pte & PTE_AWAY)
		return fault_away(f);
	if (*f->pte & PTE_LOST)
		return signal(f, SIGNO_BUS, CODE_ADRERR);
	KASSERT(!*f->pte);
	mm->minor_faults++;
	return f->vma->file ? fault_file(f) : fault_anonymous(f);
}

static bool must_stop(void *arg)
{
	const struct mm *mm = arg;

	return user_thread_killed() || !mm->pager || mm->pager->dead;
}

static void fault_wait(struct fault *f)
{
	struct mm *mm = f->mm;

	if (f->file) {
		filecache_wait(f->file, f->index, must_stop, mm);
		cfile_put(f->file);
		return;
	}
	wait_event(&mm->event_wq,
		   __atomic_load_n(&mm->events, __ATOMIC_SEQ_CST) != f->events || must_stop(mm));
}

int mm_fault(struct mm *mm, uint64_t addr, enum mm_access access, struct fault_info *info)
{
	bool asked = false;

	for (;;) {
		struct fault f = {
			.mm = mm, .addr = addr & PAGE_MASK, .access = access, .info = info,
			.asked = &asked,
		};
		int err;

		info->addr = addr;
		if (addr >= USER_END)
			return signal(&f, SIGNO_SEGV, CODE_MAPERR);
		mutex_lock(&mm->lock);
		f.events = mm->events;
		err = fault_locked(&f);
		mutex_unlock(&mm->lock);
		if (err == -ENOMEM && guest_memory_pressure())
			continue;
		if (err != -EAGAIN)
			return err;
		fault_wait(&f);
		if (must_stop(mm))
			return -EINTR;
	}
}

/* --- the trap -------------------------------------------------------------------------------- */

bool user_page_fault(struct trapframe *tf, uint64_t addr, uint64_t err)
{
	struct mm *mm = current->mm;
	bool user = trap_from_user(tf);
	struct fault_info info;
	enum mm_access access = MM_READ;

	if (!mm || (err & PF_RESERVED))
		return false;
	/* In the kernel only the copies of uaccess.c may fault, and those may sleep. */
	if (!user && ((err & PF_INSTRUCTION) || !irqs_enabled() || mutex_held(&mm->lock) ||
		      (CPU_HAS_SMAP && !(tf->rflags & RFLAGS_AC))))
		return false;
	if (err & PF_WRITE)
		access = MM_WRITE;
	else if (err & PF_INSTRUCTION)
		access = MM_EXEC;

	switch (mm_fault(mm, addr, access, &info)) {
	case 0:
		return true;
	case -EFAULT:
		if (user)
			user_fault_signal(tf, info.signo, info.code, info.addr);
		break;
	case -ENOMEM:
		user_out_of_memory(tf);
		break;
	case -EREMOTE:
		user_fault_remote(tf, addr);
		break;
	default:
		/* Being killed: on the way back to user mode the thread ends. */
		break;
	}
	return user;
}
