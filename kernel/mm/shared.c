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
static bool next_live(struct mm *mm, uint64_t *at, struct live_map *map)
{
	const struct vma *v;

	mutex_lock(&mm->lock);
	v = vma_find(&mm->vmas, *at);
	while (v && !(v->flags & VMA_LIVE))
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
	struct wire_put put = { .prot = map->prot };
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

int mm_put_shared(struct mm *mm, mm_put_fn *fn, void *arg)
{
	uint8_t *buf = kmalloc(WIRE_PAGES_MAX * PAGE_SIZE);
	struct live_map map;
	uint64_t at = 0;
	int err = buf ? 0 : -ENOMEM;

	while (!err && next_live(mm, &at, &map)) {
		err = put_map(&map, buf, fn, arg);
		cfile_put(map.file);
	}
	kfree(buf);
	return err;
}
