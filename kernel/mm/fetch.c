/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests for pages that are on their way from home, and what happens when they arrive.
 *
 * A request for away pages remembers which of them are still wanted. That an entry says away when
 * the answer comes does not suffice: it may have been unmapped and another away page moved there
 * since. A request for file pages needs no such care, because it goes to the cache of a file, not
 * to a place.
 */
#include <errno.h>
#include <string.h>

#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"

static uint32_t next_cookie(void)
{
	static uint32_t last;
	uint32_t cookie;

	/* 0 means "unasked". */
	while (!(cookie = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED)))
		;
	return cookie;
}

static uint64_t page_of(const struct mm_fetch *f, uint64_t addr)
{
	return (addr - f->addr) / PAGE_SIZE;
}

static bool is_wanted(const struct mm_fetch *f, uint64_t addr)
{
	uint64_t i = page_of(f, addr);

	return f->wanted[i / 64] >> (i % 64) & 1;
}

static uint64_t fetch_end(const struct mm_fetch *f)
{
	return f->addr + f->npages * PAGE_SIZE;
}

struct mm_fetch *fetch_covering(struct mm *mm, uint64_t addr)
{
	struct mm_fetch *f;

	list_for_each_entry(f, &mm->fetches, link)
		if (!f->file && addr >= f->addr && addr < fetch_end(f) && is_wanted(f, addr))
			return f;
	return NULL;
}

void fetch_unwant(struct mm *mm, uint64_t start, uint64_t end)
{
	struct mm_fetch *f;

	list_for_each_entry(f, &mm->fetches, link) {
		uint64_t from = start > f->addr ? start : f->addr;
		uint64_t to = end < fetch_end(f) ? end : fetch_end(f);

		for (; !f->file && from < to; from += PAGE_SIZE)
			f->wanted[page_of(f, from) / 64] &= ~(1ull << (page_of(f, from) % 64));
	}
}

static void fetch_drop(struct mm_fetch *f)
{
	list_del(&f->link);
	if (f->file) {
		filecache_abandon(f->file, f->index, f->npages);
		cfile_put(f->file);
	}
	kfree(f);
}

void fetch_forget_all(struct mm *mm)
{
	struct mm_fetch *f, *next;

	list_for_each_entry_safe(f, next, &mm->fetches, link)
		fetch_drop(f);
}

int fetch_start(struct mm *mm, uint64_t addr, unsigned npages, struct cfile *file, uint64_t index)
{
	struct mm_fetch *f = kzalloc(sizeof(*f));
	int err = -EINTR;

	if (!f) {
		if (file)
			filecache_abandon(file, index, npages);
		return -ENOMEM;
	}
	f->cookie = next_cookie();
	f->addr = addr;
	f->npages = npages;
	f->file = file ? cfile_get(file) : NULL;
	f->index = index;
	memset(f->wanted, 0xff, sizeof(f->wanted));
	list_add_tail(&f->link, &mm->fetches);
	mm->faults++;
	if (mm->pager && !mm->pager->dead)
		err = mm->pager->fetch(mm->pager, f->cookie, addr, npages, file != NULL);
	if (err) {
		fetch_drop(f);
		return err == -ENOMEM ? err : -EINTR;
	}
	return 0;
}

/* --- arrival --------------------------------------------------------------------------------- */

static struct mm_fetch *fetch_by_cookie(struct mm *mm, uint32_t cookie)
{
	struct mm_fetch *f;

	list_for_each_entry(f, &mm->fetches, link)
		if (f->cookie == cookie)
			return f;
	return NULL;
}

/* Content for one page that is away. */
static int install_one(struct mm *mm, uint64_t addr, pte_t *pte, enum wire_page_kind kind,
		       const void *data)
{
	const struct vma *vma = vma_at(&mm->vmas, addr);
	struct page *page;

	if (!vma || kind == WPAGE_GONE)
		return 0;
	if (kind == WPAGE_NONE) {
		/*
		 * Beyond its end a file says SIGBUS by itself; any other page must not become
		 * zeros.
		 */
		mm_set_pte(mm, pte, vma->file ? 0 : PTE_LOST);
		return 0;
	}
	if (kind == WPAGE_ZERO && !vma->file) {
		mm_set_pte(mm, pte, pte_make(zero_page_phys(), PTE_ZERO, vma->flags, false));
		return 0;
	}
	page = guest_page_alloc(kind == WPAGE_ZERO);
	if (!page)
		return -ENOMEM;
	if (kind == WPAGE_RAW)
		memcpy(page_virt(page), data, PAGE_SIZE);
	mm_set_pte(mm, pte, pte_make(page_phys(page), 0, vma->flags, true));
	return 0;
}

int mm_install(struct mm *mm, uint32_t cookie, uint64_t addr, unsigned npages, const uint8_t *kinds,
	       const void *data)
{
	const uint8_t *raw = data;
	struct mm_fetch *f = NULL;
	int err = 0;

	if (addr % PAGE_SIZE || addr >= USER_END || npages > (USER_END - addr) / PAGE_SIZE)
		return -EINVAL;
	mutex_lock(&mm->lock);
	if (cookie) {
		f = fetch_by_cookie(mm, cookie);
		if (!f)
			goto out; /* forgotten: nobody waits for it */
		if (addr < f->addr || addr + npages * PAGE_SIZE > fetch_end(f)) {
			err = -EINVAL;
			goto out;
		}
	}
	for (unsigned i = 0; i < npages; i++, addr += PAGE_SIZE) {
		pte_t *pte;
		int lack = 0;

		if (f && f->file) {
			if (kinds[i] != WPAGE_GONE && guest_memory_ok(1))
				lack = filecache_install(f->file, f->index + page_of(f, addr),
							 kinds[i], raw);
			else if (kinds[i] != WPAGE_GONE)
				lack = -ENOMEM;
		} else if (!f || is_wanted(f, addr)) {
			pte = pt_find(mm->root, addr);
			if (pte && (*pte & PTE_AWAY))
				lack = install_one(mm, addr, pte, kinds[i], raw);
		}
		/* What was sent unasked just stays away; who asked must hear of it. */
		if (lack && cookie)
			mm->no_memory = true;
		if (kinds[i] == WPAGE_RAW)
			raw += PAGE_SIZE;
	}
	mm_event(mm);
out:
	mutex_unlock(&mm->lock);
	return err;
}

void mm_fetch_done(struct mm *mm, uint32_t cookie)
{
	struct mm_fetch *f;

	mutex_lock(&mm->lock);
	f = fetch_by_cookie(mm, cookie);
	if (f)
		fetch_drop(f);
	mm_event(mm);
	mutex_unlock(&mm->lock);
}

void mm_pager_lost(struct mm *mm)
{
	mutex_lock(&mm->lock);
	if (mm->pager)
		mm->pager->dead = true;
	fetch_forget_all(mm);
	mm_event(mm);
	mutex_unlock(&mm->lock);
}

/* --- the background -------------------------------------------------------------------------- */

struct away_run {
	struct mm *mm;
	uint64_t start;
	unsigned npages, max;
};

static int find_run(void *arg, uint64_t addr, pte_t *pte)
{
	struct away_run *run = arg;
	bool held = addr >= run->mm->hold_start && addr < run->mm->hold_end;
	bool take = (*pte & PTE_AWAY) && !held && !fetch_covering(run->mm, addr);

	if (held && (*pte & PTE_AWAY))
		run->mm->prefetch_held = true;

	if (run->npages) {
		if (!take || addr != run->start + run->npages * PAGE_SIZE)
			return 1;
	} else if (take) {
		run->start = addr;
	} else {
		return 0;
	}
	return ++run->npages == run->max;
}

static unsigned prefetch(struct mm *mm, uint64_t *cursor, unsigned max)
{
	struct away_run run = { .mm = mm };
	uint64_t from = *cursor < USER_END ? *cursor & PAGE_MASK : 0;

	run.max = max && max < WIRE_PAGE_GET_MAX ? max : WIRE_PAGE_GET_MAX;
	if (!mm->away_pages || !guest_memory_ok(run.max))
		return 0;
	pt_walk(mm->root, from, USER_END, find_run, &run);
	if (!run.npages)
		pt_walk(mm->root, 0, from, find_run, &run);
	if (!run.npages || fetch_start(mm, run.start, run.npages, NULL, 0))
		return 0;
	*cursor = run.start + run.npages * PAGE_SIZE;
	return run.npages;
}

unsigned mm_prefetch(struct mm *mm, uint64_t *cursor, unsigned max)
{
	unsigned npages;

	mutex_lock(&mm->lock);
	npages = prefetch(mm, cursor, max);
	mutex_unlock(&mm->lock);
	return npages;
}

void fetch_resume(struct mm *mm)
{
	uint64_t cursor = 0;

	/* One request will do: its answer makes the guest code ask for more. */
	if (mm->prefetch_held)
		prefetch(mm, &cursor, 2 * MM_FAULT_WINDOW);
	mm->prefetch_held = false;
}
