/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the map: mmap, munmap, mprotect, madvise, brk, as Linux's mm/mmap.c, mprotect.c and
 * madvise.c do, in the same order of checks, because programs see which error comes first.
 */
#include <errno.h>

#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"

/* mmap flags that change nothing here, or are dealt with. */
#define KNOWN_FLAGS                                                                             \
	(MM_MAP_TYPE | MM_MAP_FIXED | MM_MAP_ANONYMOUS | MM_MAP_DENYWRITE | MM_MAP_EXECUTABLE | \
	 MM_MAP_NORESERVE | MM_MAP_POPULATE | MM_MAP_NONBLOCK | MM_MAP_STACK |                  \
	 MM_MAP_FIXED_NOREPLACE)

/* PROT_SEM has no effect on x86; PROT_GROWSDOWN and others are Linux's affair. */
#define PROT_SEM 8u

/* Where Linux searches upwards from when nothing is free below mmap_top. */
#define SEARCH_BASE(mm) (PAGE_ALIGN_UP((mm)->end / 3))

/* In heuristic overcommit Linux refuses only what could never be backed by all of memory. */
static bool overcommits(const struct mm *mm, uint64_t len, uint32_t vma_flags)
{
	return mm->total_ram && len > mm->total_ram && (vma_flags & WVMA_WRITE) &&
	       !(vma_flags & (WVMA_NORESERVE | WVMA_SHARED));
}

static long place(struct mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	uint64_t found;

	if (len > mm->end)
		return -ENOMEM;
	if (flags & (MM_MAP_FIXED | MM_MAP_FIXED_NOREPLACE)) {
		if (addr > mm->end - len)
			return -ENOMEM;
		if (addr % PAGE_SIZE)
			return -EINVAL;
		if (addr < MM_MIN_ADDR)
			return -EPERM;
		if (vma_range_has(&mm->vmas, addr, addr + len, WVMA_RESERVED))
			return MM_NOT_SERVED;
		if ((flags & MM_MAP_FIXED_NOREPLACE) &&
		    !vma_range_free(&mm->vmas, addr, addr + len))
			return -EEXIST;
		return (long)addr;
	}
	addr &= PAGE_MASK;
	if (addr) {
		if (addr < MM_MIN_ADDR)
			addr = MM_MIN_ADDR;
		if (addr <= mm->end - len &&
		    vma_gap_below(&mm->vmas, len, addr, addr + len) == addr)
			return (long)addr;
	}
	found = vma_gap_below(&mm->vmas, len, MM_MIN_ADDR, mm->mmap_top);
	if (!found)
		found = vma_gap_below(&mm->vmas, len, SEARCH_BASE(mm), mm->end);
	return found ? (long)found : -ENOMEM;
}

long mm_place(struct mm *mm, uint64_t addr, uint64_t len, uint32_t flags)
{
	long result;

	if (!len)
		return -EINVAL;
	if (!PAGE_ALIGN_UP(len))
		return -ENOMEM;
	mutex_lock(&mm->lock);
	result = place(mm, addr, PAGE_ALIGN_UP(len), flags);
	mutex_unlock(&mm->lock);
	return result;
}

/* Removes mappings and all that is in them; nothing is changed on failure. */
static int unmap_locked(struct mm *mm, uint64_t start, uint64_t end)
{
	struct tlb_batch batch;
	const struct vma *next, *prev;
	int err;

	if (vma_range_free(&mm->vmas, start, end))
		return 0;
	err = vma_remove(&mm->vmas, start, end);
	if (err)
		return err;
	tlb_begin(&batch, mm);
	mm_zap(mm, start, end, &batch);
	next = vma_find(&mm->vmas, end);
	prev = vma_find(&mm->vmas, start);
	prev = prev ? prev->prev : NULL;
	/* Without a next one the last VMA would have to be searched for: leave the tables. */
	if (next)
		pt_prune(mm->root, start, end, prev ? prev->end : 0, next->start, &batch);
	tlb_finish(&batch);
	return 0;
}

static uint32_t vma_flags_of(uint32_t prot, uint32_t flags)
{
	return (prot & VMA_PROT) | ((flags & MM_MAP_TYPE) == MM_MAP_SHARED ? WVMA_SHARED : 0) |
	       (flags & MM_MAP_NORESERVE ? WVMA_NORESERVE : 0);
}

/* A new mapping at a place that was chosen, in stead of what is there. */
static long map_locked(struct mm *mm, uint64_t addr, uint64_t len, uint32_t vma_flags,
		       struct cfile *file, uint64_t offset)
{
	int err;

	if (mm->vmas.count > MM_MAX_MAPS)
		return -ENOMEM;
	err = unmap_locked(mm, addr, addr + len);
	if (!err)
		err = vma_insert(&mm->vmas, addr, addr + len, vma_flags, offset, file);
	return err ? err : (long)addr;
}

long mm_map_anon(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags)
{
	uint32_t vma_flags = vma_flags_of(prot, flags);
	long result;

	if ((flags & MM_MAP_TYPE) != MM_MAP_PRIVATE || !(flags & MM_MAP_ANONYMOUS) ||
	    (flags & ~KNOWN_FLAGS) || (prot & ~(VMA_PROT | PROT_SEM)))
		return MM_NOT_SERVED;
	if (!len)
		return -EINVAL;
	len = PAGE_ALIGN_UP(len);
	if (!len)
		return -ENOMEM;
	mutex_lock(&mm->lock);
	result = place(mm, addr, len, flags);
	if (result >= 0 && overcommits(mm, len, vma_flags))
		result = -ENOMEM;
	if (result >= 0)
		result = map_locked(mm, (uint64_t)result, len, vma_flags, NULL, 0);
	mutex_unlock(&mm->lock);
	return result;
}

long mm_map_file(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags,
		 struct cfile *file, uint64_t offset)
{
	uint32_t vma_flags = vma_flags_of(prot, flags);
	long result;

	len = PAGE_ALIGN_UP(len);
	if ((vma_flags & WVMA_SHARED) && cfile_live(file))
		vma_flags |= VMA_LIVE;
	else if ((vma_flags & WVMA_SHARED) && (vma_flags & WVMA_WRITE))
		return MM_NOT_SERVED;
	if (!len || (addr | offset) % PAGE_SIZE || len > USER_END || addr > USER_END - len ||
	    offset + len < offset)
		return -EINVAL;
	mutex_lock(&mm->lock);
	if (vma_range_has(&mm->vmas, addr, addr + len, WVMA_RESERVED))
		result = MM_NOT_SERVED;
	else
		result = map_locked(mm, addr, len, vma_flags, file, offset);
	mutex_unlock(&mm->lock);
	return result;
}

void mm_hold(struct mm *mm, uint64_t addr, uint64_t len)
{
	mutex_lock(&mm->lock);
	mm->hold_start = addr;
	mm->hold_end = addr + PAGE_ALIGN_UP(len);
	mutex_unlock(&mm->lock);
}

void mm_release(struct mm *mm)
{
	mutex_lock(&mm->lock);
	if (mm->hold_end) {
		mm->hold_start = mm->hold_end = 0;
		mm_event(mm);
		fetch_resume(mm);
	}
	mutex_unlock(&mm->lock);
}

long mm_unmap(struct mm *mm, uint64_t addr, uint64_t len)
{
	long result = MM_NOT_SERVED;
	const struct vma *v;

	if (addr % PAGE_SIZE || addr > mm->end || len > mm->end - addr)
		return -EINVAL;
	len = PAGE_ALIGN_UP(len);
	if (!len)
		return -EINVAL;
	mutex_lock(&mm->lock);
	v = vma_find(&mm->vmas, addr);
	if (v && v->start < addr && v->end > addr + len && mm->vmas.count >= MM_MAX_MAPS)
		result = -ENOMEM;
	else if (!vma_range_has(&mm->vmas, addr, addr + len, WVMA_RESERVED))
		result = unmap_locked(mm, addr, addr + len);
	mutex_unlock(&mm->lock);
	return result;
}

/* --- mprotect -------------------------------------------------------------------------------- */

struct protect_walk {
	struct tlb_batch batch;
	uint32_t prot;
};

static int protect_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct protect_walk *walk = arg;
	pte_t old = *pte;
	bool exclusive;

	if (!pte_has_page(old))
		return 0;
	/* A page that is shared with a fork's other half becomes writable by copying it. */
	exclusive = pte_is_private(old) && page_refs(pte_page(old)) == 1;
	pte_set(pte, pte_make(old & PTE_ADDR, old & (PTE_FILE | PTE_ZERO | PTE_SHARED), walk->prot,
			      exclusive));
	if (old & PTE_PRESENT)
		tlb_flush_range(&walk->batch, addr, addr + PAGE_SIZE);
	return 0;
}

/* Mappings of files that others may not see written from here, in start..end. */
static bool has_frozen_share(const struct mm *mm, uint64_t start, uint64_t end)
{
	for (const struct vma *v = vma_find(&mm->vmas, start); v && v->start < end; v = v->next)
		if ((v->flags & (WVMA_SHARED | VMA_LIVE)) == WVMA_SHARED)
			return true;
	return false;
}

bool mm_range_live(struct mm *mm, uint64_t addr, uint64_t len)
{
	bool live = false;

	mutex_lock(&mm->lock);
	if (mm->vmas.live && len <= USER_END && addr <= USER_END - len)
		live = vma_range_has(&mm->vmas, addr, addr + len, VMA_LIVE);
	mutex_unlock(&mm->lock);
	return live;
}

long mm_protect(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot)
{
	struct protect_walk walk = { .prot = prot & VMA_PROT };
	uint64_t end, hole;
	long result = 0;

	if (prot & ~(VMA_PROT | PROT_SEM))
		return MM_NOT_SERVED;
	if (addr % PAGE_SIZE)
		return -EINVAL;
	if (!len)
		return 0;
	len = PAGE_ALIGN_UP(len);
	end = addr + len;
	if (end <= addr)
		return -ENOMEM;

	mutex_lock(&mm->lock);
	hole = end <= USER_END ? vma_first_hole(&mm->vmas, addr, end)
			       : vma_first_hole(&mm->vmas, addr, USER_END);
	if (vma_range_has(&mm->vmas, addr, hole, WVMA_RESERVED) ||
	    ((prot & WVMA_WRITE) && has_frozen_share(mm, addr, hole))) {
		result = MM_NOT_SERVED;
		goto out;
	}
	if (hole == addr) {
		result = -ENOMEM;
		goto out;
	}
	if (mm->vmas.count >= MM_MAX_MAPS) {
		/* Close to Linux's limit only Linux knows whether this splits too much. */
		result = MM_NOT_SERVED;
		goto out;
	}
	result = vma_protect(&mm->vmas, addr, hole, walk.prot);
	if (!result) {
		tlb_begin(&walk.batch, mm);
		pt_walk(mm->root, addr, hole, protect_one, &walk);
		tlb_finish(&walk.batch);
		/* As Linux does: what lies before the hole has been changed all the same. */
		result = hole < end ? -ENOMEM : 0;
	}
out:
	mutex_unlock(&mm->lock);
	return result;
}

/* --- madvise, brk ---------------------------------------------------------------------------- */

long mm_advise_dontneed(struct mm *mm, uint64_t addr, uint64_t len, bool lazy)
{
	struct tlb_batch batch;
	uint64_t end;
	long result = 0;

	if (addr % PAGE_SIZE)
		return -EINVAL;
	if (len && !PAGE_ALIGN_UP(len))
		return -EINVAL;
	len = PAGE_ALIGN_UP(len);
	end = addr + len;
	if (end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;

	mutex_lock(&mm->lock);
	if (vma_range_has(&mm->vmas, addr, end, WVMA_RESERVED) || has_frozen_share(mm, addr, end)) {
		result = MM_NOT_SERVED;
		goto out;
	}
	mm->hold_start = addr;
	mm->hold_end = end;
	tlb_begin(&batch, mm);
	for (const struct vma *v = vma_find(&mm->vmas, addr); v && v->start < end; v = v->next) {
		uint64_t from = v->start > addr ? v->start : addr;
		uint64_t to = v->end < end ? v->end : end;

		if (lazy && v->file) {
			result = -EINVAL;
			break;
		}
		mm_zap(mm, from, to, &batch);
	}
	tlb_finish(&batch);
	if (!result && vma_first_hole(&mm->vmas, addr, end) != end)
		result = -ENOMEM;
out:
	mutex_unlock(&mm->lock);
	return result;
}

long mm_brk(struct mm *mm, uint64_t brk)
{
	uint64_t old = PAGE_ALIGN_UP(mm->brk), new = PAGE_ALIGN_UP(brk);
	const struct vma *next;
	int err = 0;

	if (brk < mm->brk_start || brk > mm->end)
		return (long)mm->brk;
	if (mm->rlim_data != UINT64_MAX && brk - mm->brk_start > mm->rlim_data)
		return (long)mm->brk;

	mutex_lock(&mm->lock);
	if (new < old) {
		if (vma_range_has(&mm->vmas, new, old, WVMA_RESERVED)) {
			mutex_unlock(&mm->lock);
			return MM_NOT_SERVED;
		}
		err = unmap_locked(mm, new, old);
	} else if (new > old) {
		/* One page, or a stack's guard, stays free behind the heap. */
		next = vma_find(&mm->vmas, old);
		if (next && (next->start < new + PAGE_SIZE ||
			     ((next->flags & WVMA_GROWSDOWN) && next->start < new + STACK_GUARD)))
			err = -ENOMEM;
		else if (overcommits(mm, new - old, WVMA_WRITE) || mm->vmas.count > MM_MAX_MAPS)
			err = -ENOMEM;
		else
			err = vma_insert(&mm->vmas, old, new, WVMA_READ | WVMA_WRITE, 0, NULL);
	}
	if (!err)
		mm->brk = brk;
	mutex_unlock(&mm->lock);
	return (long)mm->brk;
}

/* Where a range ends that may be too long, or reach over the end of all addresses. */
static uint64_t range_end(uint64_t addr, uint64_t len)
{
	if (addr > USER_END)
		return addr;
	return len > USER_END - addr ? USER_END : addr + PAGE_ALIGN_UP(len);
}

uint64_t mm_range_reach(struct mm *mm, uint64_t addr, uint64_t len)
{
	uint64_t end = range_end(addr, len), hole;

	mutex_lock(&mm->lock);
	hole = vma_first_hole(&mm->vmas, addr, end);
	for (const struct vma *v = vma_find(&mm->vmas, addr); v && v->start < hole; v = v->next)
		if (v->flags & WVMA_RESERVED)
			hole = v->start > addr ? v->start : addr;
	mutex_unlock(&mm->lock);
	return hole - addr;
}

bool mm_range_reserved(struct mm *mm, uint64_t addr, uint64_t len)
{
	bool reserved;

	mutex_lock(&mm->lock);
	reserved = vma_range_has(&mm->vmas, addr, range_end(addr, len), WVMA_RESERVED);
	mutex_unlock(&mm->lock);
	return reserved;
}

bool mm_range_mapped(struct mm *mm, uint64_t addr, uint64_t len)
{
	bool mapped;

	if (len > USER_END || addr > USER_END - len)
		return false;
	mutex_lock(&mm->lock);
	mapped = vma_first_hole(&mm->vmas, addr, addr + len) == addr + len;
	mutex_unlock(&mm->lock);
	return mapped;
}
