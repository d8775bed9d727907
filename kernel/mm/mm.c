/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces: birth, fork, death, and how an image from home fills one. */
#include "kernel/mm/mm.h"

#include <errno.h>

#include "kernel/kprintf.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"

/* --- memory for guests ----------------------------------------------------------------------- */

uint64_t zero_page_phys(void)
{
	static struct page *zero;
	struct page *page, *none = NULL;

	if (__atomic_load_n(&zero, __ATOMIC_ACQUIRE))
		return page_phys(zero);
	page = page_alloc_zero(0);
	if (!page)
		panic("no memory for the first page of the first guest");
	if (!__atomic_compare_exchange_n(&zero, &none, page, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		page_put(page);
	return page_phys(zero);
}

/*
 * Pages that guests may not take: what is in reach of the network and of a guest's way home, which
 * is what follows when this is all that is left.
 */
static uint64_t reserve_pages(void)
{
	const uint64_t least = (4 << 20) / PAGE_SIZE, most = (64 << 20) / PAGE_SIZE;
	uint64_t reserve = mem_total_pages() / 32;

	return reserve < least ? least : reserve > most ? most : reserve;
}

bool guest_memory_ok(uint64_t npages)
{
	uint64_t need = reserve_pages() + npages, have = mem_free_pages();

	if (npages > mem_total_pages())
		return false;
	if (have >= need)
		return true;
	/* Somewhat more than needed, so that this is not done again for the very next page. */
	filecache_shrink(need - have + 256);
	return mem_free_pages() >= need;
}

struct page *guest_page_alloc(bool zero)
{
	if (!guest_memory_ok(1))
		return NULL;
	return zero ? page_alloc_zero(0) : page_alloc(0);
}

/* --- entries --------------------------------------------------------------------------------- */

void mm_set_pte(struct mm *mm, pte_t *pte, pte_t value)
{
	pte_t old = *pte;

	mm->rss_pages += (pte_has_page(value) && !(value & PTE_ZERO)) -
			 (pte_has_page(old) && !(old & PTE_ZERO));
	mm->private_pages += pte_is_private(value) - pte_is_private(old);
	mm->away_pages += !!(value & PTE_AWAY) - !!(old & PTE_AWAY);
	pte_set(pte, value);
}

static int zap_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct tlb_batch *batch = arg;
	pte_t old = *pte;

	mm_set_pte(batch->mm, pte, 0);
	if (!pte_has_page(old))
		return 0;
	tlb_flush_range(batch, addr, addr + PAGE_SIZE);
	if (!(old & PTE_ZERO))
		tlb_free_page(batch, pte_page(old));
	return 0;
}

void mm_zap(struct mm *mm, uint64_t start, uint64_t end, struct tlb_batch *batch)
{
	fetch_unwant(mm, start, end);
	pt_walk(mm->root, start, end, zap_one, batch);
}

void mm_event(struct mm *mm)
{
	__atomic_add_fetch(&mm->events, 1, __ATOMIC_SEQ_CST);
	waitq_wake_all(&mm->event_wq);
}

/* --- life ------------------------------------------------------------------------------------ */

struct mm *mm_create(void)
{
	struct mm *mm = kzalloc(sizeof(*mm));

	if (!mm)
		return NULL;
	mm->root = pt_create();
	if (!mm->root) {
		kfree(mm);
		return NULL;
	}
	mm->refs = 1;
	mutex_init(&mm->map_lock);
	mutex_init(&mm->lock);
	vma_set_init(&mm->vmas);
	waitq_init(&mm->event_wq);
	list_init(&mm->fetches);
	mm->mmap_top = USER_END;
	mm->end = USER_END;
	mm->rlim_stack = UINT64_MAX;
	mm->rlim_data = UINT64_MAX;
	return mm;
}

struct mm *mm_get(struct mm *mm)
{
	__atomic_add_fetch(&mm->refs, 1, __ATOMIC_RELAXED);
	return mm;
}

void mm_put(struct mm *mm)
{
	struct tlb_batch batch;

	if (__atomic_sub_fetch(&mm->refs, 1, __ATOMIC_ACQ_REL))
		return;
	fetch_forget_all(mm);
	/* With no CPU on it any more, nothing below needs a flush. */
	tlb_unload(mm);
	tlb_begin(&batch, mm);
	pt_walk(mm->root, 0, USER_END, zap_one, &batch);
	tlb_finish(&batch);
	KASSERT(!mm->rss_pages && !mm->private_pages && !mm->away_pages);
	vma_set_clear(&mm->vmas);
	pt_destroy(mm->root);
	if (mm->pager && mm->pager->release)
		mm->pager->release(mm->pager);
	kfree(mm);
}

struct fork_walk {
	struct mm *child;
	struct tlb_batch batch;
};

static int fork_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct fork_walk *walk = arg;
	pte_t *copy;

	/* What both go on to write in place, the child finds by itself. */
	if (*pte & PTE_SHARED)
		return 0;
	copy = pt_make(walk->child->root, addr);
	if (!copy)
		return -ENOMEM;
	if (*pte & PTE_WRITE) {
		pte_set(pte, *pte & ~PTE_WRITE);
		tlb_flush_range(&walk->batch, addr, addr + PAGE_SIZE);
	}
	if (pte_has_page(*pte) && !(*pte & PTE_ZERO))
		page_get(pte_page(*pte));
	mm_set_pte(walk->child, copy, *pte);
	return 0;
}

int mm_fork(struct mm *parent, struct mm **child)
{
	struct fork_walk walk = { .child = mm_create() };
	struct mm *mm = walk.child;
	int err;

	if (!mm)
		return -ENOMEM;
	mutex_lock(&parent->lock);
	mm->brk_start = parent->brk_start;
	mm->brk = parent->brk;
	mm->mmap_top = parent->mmap_top;
	mm->vdso = parent->vdso;
	mm->vdso_len = parent->vdso_len;
	mm->end = parent->end;
	mm->vdso_landing = parent->vdso_landing;
	mm->vdso_sigreturn = parent->vdso_sigreturn;
	mm->vdso_rt_sigreturn = parent->vdso_rt_sigreturn;
	mm->total_ram = parent->total_ram;
	mm->rlim_stack = parent->rlim_stack;
	mm->rlim_data = parent->rlim_data;
	tlb_begin(&walk.batch, parent);
	err = vma_set_copy(&mm->vmas, &parent->vmas);
	if (!err)
		err = pt_walk(parent->root, 0, USER_END, fork_one, &walk);
	tlb_finish(&walk.batch);
	mutex_unlock(&parent->lock);
	if (err) {
		mm_put(mm);
		return err;
	}
	*child = mm;
	return 0;
}

static int settle_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct fork_walk *walk = arg;
	pte_t *have = pt_find(walk->batch.mm->root, addr);

	if (!(*pte & PTE_AWAY) || !have || (*have & PTE_AWAY))
		return 0;
	if (*have & PTE_WRITE) {
		pte_set(have, *have & ~PTE_WRITE);
		tlb_flush_range(&walk->batch, addr, addr + PAGE_SIZE);
	}
	if (pte_has_page(*have) && !(*have & PTE_ZERO))
		page_get(pte_page(*have));
	mm_set_pte(walk->child, pte, *have);
	return 0;
}

void mm_fork_settle(struct mm *parent, struct mm *child)
{
	struct fork_walk walk = { .child = child };

	/* Nobody else knows the child yet, so this order of locks cannot meet the other one. */
	mutex_lock(&parent->lock);
	mutex_lock(&child->lock);
	tlb_begin(&walk.batch, parent);
	if (child->away_pages)
		pt_walk(child->root, 0, USER_END, settle_one, &walk);
	tlb_finish(&walk.batch);
	mutex_unlock(&child->lock);
	mutex_unlock(&parent->lock);
}

/* --- images ---------------------------------------------------------------------------------- */

int mm_image_vma(struct mm *mm, const struct wire_vma *v, struct cfile *file)
{
	const uint32_t known = VMA_PROT | WVMA_SHARED | WVMA_GROWSDOWN | WVMA_VDSO | WVMA_RESERVED |
			       WVMA_NORESERVE;
	bool live = file && (v->flags & WVMA_SHARED) && cfile_live(file);
	int err;

	if ((v->start | v->end | v->offset) % PAGE_SIZE || v->start >= v->end ||
	    v->end > USER_END || (v->flags & ~known) || (!file != (v->file == WVMA_NO_FILE)))
		return -EINVAL;
	/* What is written for others to see must have a name that they know, too. */
	if ((v->flags & WVMA_SHARED) && ((v->flags & WVMA_WRITE) || !file) && !live &&
	    !(v->flags & WVMA_RESERVED))
		return -EINVAL;
	if (file && cfile_live(file) && !live)
		return -EINVAL;
	if (file && v->offset + (v->end - v->start) < v->offset)
		return -EINVAL;
	mutex_lock(&mm->lock);
	err = vma_insert(&mm->vmas, v->start, v->end, v->flags | (live ? VMA_LIVE : 0), v->offset,
			 file);
	mutex_unlock(&mm->lock);
	return err == -EEXIST ? -EINVAL : err;
}

int mm_mark_away(struct mm *mm, uint64_t addr, uint64_t npages)
{
	uint64_t end = addr + npages * PAGE_SIZE;
	int err = 0;

	if (addr % PAGE_SIZE || addr >= USER_END || npages > (USER_END - addr) / PAGE_SIZE)
		return -EINVAL;
	mutex_lock(&mm->lock);
	if (vma_first_hole(&mm->vmas, addr, end) != end ||
	    vma_range_has(&mm->vmas, addr, end, WVMA_RESERVED))
		err = -EINVAL;
	/* The process is frozen meanwhile, and may be large: one look-up for each table. */
	while (!err && addr < end) {
		pte_t *pte = pt_make(mm->root, addr);
		uint64_t stop = (addr | (PT_SPAN - 1)) + 1 < end ? (addr | (PT_SPAN - 1)) + 1 : end;

		if (!pte)
			err = -ENOMEM;
		for (; pte && addr < stop; addr += PAGE_SIZE, pte++)
			if (!*pte) {
				pte_set(pte, PTE_AWAY);
				mm->away_pages++;
			}
	}
	mutex_unlock(&mm->lock);
	return err;
}
