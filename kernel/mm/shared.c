/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared memory. Its pages are those of a struct cfile that is live: they are written in place, and all
 * mappings of it, in all processes, show the same ones. A page is marked dirty by its first write fault;
 * while an entry allows writing it stays so.
 */
#include <errno.h>
#include <string.h>

#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"

/* One mapping of shared memory, remembered while mm->lock is not held. */
struct live_map {
	struct cfile *file; /* a reference */
	uint64_t start, index, end_index;
	uint32_t prot;
};

/* The first at or above *at; moves *at behind it. */
static bool next_live(struct mm *mm, uint64_t *at, unsigned which, struct live_map *map)
{
	const struct vma *v;

	mutex_lock(&mm->lock);
	v = vma_find(&mm->vmas, *at);
	while (v && (!(v->flags & VMA_LIVE) || ((which & MM_PUT_FILES) && !cfile_seen(v->file)) ||
		     ((which & MM_PUT_WRITABLE) && !(v->flags & WVMA_WRITE))))
		v = v->next;
	if (v) {
		map->file = cfile_get(v->file);
		map->start = v->start;
		map->index = v->offset / PAGE_SIZE;
		map->end_index = map->index + (v->end - v->start) / PAGE_SIZE;
		map->prot = v->flags & VMA_PROT;
		*at = v->end;
	}
	mutex_unlock(&mm->lock);
	return v;
}

/* Sends dirty pages of one mapping, as many side by side as there are. */
static int put_map(const struct live_map *map, uint8_t *buf, mm_put_fn *fn, void *arg)
{
	uint64_t index = map->index, first = 0;
	struct wire_put put = { .file = *cfile_identity(map->file), .prot = map->prot };
	struct page *page;
	int err = 0;

	do {
		page = filecache_take_dirty(map->file, &index, map->end_index);
		if (put.npages && (!page || index != first + put.npages ||
				   put.npages == WIRE_PAGES_MAX)) {
			err = fn(arg, &put, buf);
			/* Home does not have them: they are as they were. */
			for (uint32_t i = 0; err && i < put.npages; i++)
				filecache_dirty(map->file, first + i);
			put.npages = 0;
		}
		if (!page)
			break;
		if (!put.npages) {
			first = index;
			put.offset = index * PAGE_SIZE;
			put.addr = map->start + (index - map->index) * PAGE_SIZE;
		}
		memcpy(buf + put.npages * PAGE_SIZE, page_virt(page), PAGE_SIZE);
		page_put(page);
		if (err)
			filecache_dirty(map->file, index);
		put.npages++;
		index++;
	} while (!err);
	return err;
}

int mm_put_shared(struct mm *mm, unsigned which, mm_put_fn *fn, void *arg)
{
	uint8_t *buf = kmalloc(WIRE_PAGES_MAX * PAGE_SIZE);
	struct live_map map;
	uint64_t at = 0;
	int err = buf ? 0 : -ENOMEM;

	while (!err && next_live(mm, &at, which, &map)) {
		err = put_map(&map, buf, fn, arg);
		cfile_put(map.file);
	}
	kfree(buf);
	return err;
}

/* The first piece of the segment of `file` (NULL: of any) that was attached at addr. */
static bool attached_piece(struct mm *mm, uint64_t addr, const struct cfile **file, uint64_t *start,
			   uint64_t *len)
{
	const struct vma *v;
	bool found = false;

	mutex_lock(&mm->lock);
	for (v = vma_find(&mm->vmas, addr); v && !found; v = v->next) {
		if (!(v->flags & VMA_LIVE) || cfile_identity(v->file)->dev != WFILE_SYSV ||
		    v->start - addr != v->offset || (*file && v->file != *file))
			continue;
		found = true;
		*file = v->file;
		*start = v->start;
		*len = v->end - v->start;
	}
	mutex_unlock(&mm->lock);
	return found;
}

long mm_detach(struct mm *mm, uint64_t addr)
{
	const struct cfile *file = NULL; /* only compared, it may be gone */
	uint64_t start, len;
	long ret = -EINVAL;

	while (attached_piece(mm, addr, &file, &start, &len)) {
		ret = mm_unmap(mm, start, len);
		if (ret)
			break;
	}
	return ret;
}

/* --- files --------------------------------------------------------------------------------------- */

struct share_walk {
	struct tlb_batch batch;
	const struct vma *vma;
};

static int protect_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct share_walk *walk = arg;

	if (*pte & PTE_WRITE) {
		pte_set(pte, *pte & ~(PTE_WRITE | PTE_DIRTY));
		tlb_flush_range(&walk->batch, addr, addr + PAGE_SIZE);
	}
	return 0;
}

static int mark_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct share_walk *walk = arg;

	if (*pte & PTE_WRITE)
		filecache_dirty(walk->vma->file, vma_offset_at(walk->vma, addr) / PAGE_SIZE);
	return 0;
}

/* A write fault puts the entry back as soon as somebody has the page's present content. */
static int stale_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct share_walk *walk = arg;
	pte_t old = *pte;

	if (!pte_has_page(old) || (old & PTE_WRITE))
		return 0;
	mm_set_pte(walk->batch.mm, pte, 0);
	tlb_flush_range(&walk->batch, addr, addr + PAGE_SIZE);
	tlb_free_page(&walk->batch, pte_page(old));
	return 0;
}

/* Walks what this address space has of shared files; file: only of this one. */
static void walk_files(struct mm *mm, const struct cfile *file,
		       int (*fn)(void *arg, uint64_t addr, pte_t *pte))
{
	struct share_walk walk;

	tlb_begin(&walk.batch, mm);
	vma_for_each(vma, &mm->vmas)
	{
		if (!(vma->flags & VMA_LIVE) || !cfile_seen(vma->file) ||
		    (file && vma->file != file))
			continue;
		walk.vma = vma;
		pt_walk(mm->root, vma->start, vma->end, fn, &walk);
	}
	tlb_finish(&walk.batch);
}

void mm_share_protect(struct mm *mm)
{
	mutex_lock(&mm->lock);
	if (mm->share_written)
		walk_files(mm, NULL, protect_one);
	mm->share_written = false;
	mutex_unlock(&mm->lock);
}

void mm_share_mark(struct mm *mm)
{
	mutex_lock(&mm->lock);
	if (mm->share_written)
		walk_files(mm, NULL, mark_one);
	mutex_unlock(&mm->lock);
}

void mm_share_stale(struct mm *mm, const struct cfile *file)
{
	mutex_lock(&mm->lock);
	if (mm->vmas.live)
		walk_files(mm, file, stale_one);
	mutex_unlock(&mm->lock);
}
