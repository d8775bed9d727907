/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mremap: shrink, grow in place, or move. Pages, and the mark that a page is away, move with their
 * mapping: home replays the call, so that it finds away pages under their new addresses too.
 */
#include <errno.h>

#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"

struct move {
	struct mm *mm;
	int64_t delta;
	struct tlb_batch batch;
};

/* First pass: tables for all that will move, so that the second cannot fail. */
static int move_prepare(void *arg, uint64_t addr, pte_t *pte)
{
	struct move *m = arg;

	(void)pte;
	return pt_make(m->mm->root, addr + (uint64_t)m->delta) ? 0 : -ENOMEM;
}

static int move_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct move *m = arg;
	pte_t old = *pte;

	mm_set_pte(m->mm, pte, 0);
	if (pte_has_page(old))
		tlb_flush_range(&m->batch, addr, addr + PAGE_SIZE);
	mm_set_pte(m->mm, pt_find(m->mm->root, addr + (uint64_t)m->delta), old);
	return 0;
}

/*
 * What Linux's vma_to_resize() checks. *flags etc. are those of the mapping to be moved or grown.
 */
static long check_resize(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len)
{
	const struct vma *v = vma_at(&mm->vmas, addr);

	if (!v)
		return -EFAULT;
	if (!old_len)
		return v->flags & WVMA_SHARED ? MM_NOT_SERVED : -EINVAL;
	if (old_len > v->end - addr)
		return -EFAULT;
	if (new_len > old_len && v->file && vma_offset_at(v, addr) + new_len < new_len)
		return -EINVAL;
	if (new_len > old_len && mm->total_ram && new_len - old_len > mm->total_ram &&
	    (v->flags & (WVMA_WRITE | WVMA_NORESERVE | WVMA_SHARED)) == WVMA_WRITE)
		return -ENOMEM;
	return 0;
}

/* Moves one mapping, or a part of one, to a free place. */
static long move_vma(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_addr,
		     uint64_t new_len)
{
	const struct vma *v = vma_at(&mm->vmas, addr);
	struct move m = { .mm = mm, .delta = (int64_t)(new_addr - addr) };
	struct cfile *file = v->file ? cfile_get(v->file) : NULL;
	uint64_t offset = vma_offset_at(v, addr);
	uint32_t flags = v->flags;
	long result;

	/* Linux: the move may split three times over. */
	if (mm->vmas.count >= MM_MAX_MAPS - 3) {
		result = -ENOMEM;
		goto out;
	}
	result = pt_walk(mm->root, addr, addr + old_len, move_prepare, &m);
	if (result)
		goto out;
	result = vma_insert(&mm->vmas, new_addr, new_addr + new_len, flags, offset, file);
	if (result)
		goto out;
	result = vma_remove(&mm->vmas, addr, addr + old_len);
	if (result) {
		vma_remove(&mm->vmas, new_addr, new_addr + new_len);
		goto out;
	}
	fetch_unwant(mm, addr, addr + old_len);
	tlb_begin(&m.batch, mm);
	pt_walk(mm->root, addr, addr + old_len, move_one, &m);
	tlb_finish(&m.batch);
	result = (long)new_addr;
out:
	if (file)
		cfile_put(file);
	return result;
}

static int unmap(struct mm *mm, uint64_t start, uint64_t end)
{
	struct tlb_batch batch;
	int err = vma_remove(&mm->vmas, start, end);

	if (err)
		return err;
	tlb_begin(&batch, mm);
	mm_zap(mm, start, end, &batch);
	tlb_finish(&batch);
	return 0;
}

static long remap_fixed(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			uint64_t new_addr)
{
	long result;

	if (new_addr % PAGE_SIZE || new_len > USER_END || new_addr > USER_END - new_len)
		return -EINVAL;
	if (addr + old_len > new_addr && new_addr + new_len > addr)
		return -EINVAL;
	if (new_addr < MM_MIN_ADDR)
		return -EPERM;
	if (vma_range_has(&mm->vmas, new_addr, new_addr + new_len, WVMA_RESERVED))
		return MM_NOT_SERVED;
	if (mm->vmas.count + 2 >= MM_MAX_MAPS - 3)
		return -ENOMEM;
	result = unmap(mm, new_addr, new_addr + new_len);
	if (!result && old_len > new_len) {
		result = unmap(mm, addr + new_len, addr + old_len);
		old_len = new_len;
	}
	if (!result)
		result = check_resize(mm, addr, old_len, new_len);
	return result ? result : move_vma(mm, addr, old_len, new_addr, new_len);
}

static long remap_anywhere(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len,
			   uint32_t flags)
{
	uint64_t end = addr + old_len, new_addr;
	struct vma *v;
	long result;

	if (old_len >= new_len) {
		result = old_len > new_len ? unmap(mm, addr + new_len, end) : 0;
		return result ? result : (long)addr;
	}
	result = check_resize(mm, addr, old_len, new_len);
	if (result)
		return result;
	v = vma_at(&mm->vmas, addr);
	if (v->end == end && new_len <= USER_END - addr &&
	    (!v->next || v->next->start >= addr + new_len)) {
		vma_extend_up(&mm->vmas, v, addr + new_len);
		return (long)addr;
	}
	if (!(flags & MM_MREMAP_MAYMOVE))
		return -ENOMEM;
	new_addr = vma_gap_below(&mm->vmas, new_len, MM_MIN_ADDR, mm->mmap_top);
	return new_addr ? move_vma(mm, addr, old_len, new_addr, new_len) : -ENOMEM;
}

long mm_remap(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, uint32_t flags,
	      uint64_t new_addr)
{
	const struct vma *v;
	long result;

	if (flags & ~(MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED | MM_MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MM_MREMAP_FIXED) && !(flags & MM_MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MM_MREMAP_DONTUNMAP)
		return MM_NOT_SERVED;
	if (addr % PAGE_SIZE)
		return -EINVAL;
	old_len = PAGE_ALIGN_UP(old_len);
	new_len = PAGE_ALIGN_UP(new_len);
	if (!new_len)
		return -EINVAL;
	/* Which error that is depends on home's version. */
	if (new_len > USER_END)
		return MM_NOT_SERVED;

	mutex_lock(&mm->lock);
	v = vma_at(&mm->vmas, addr);
	if (!v)
		result = -EFAULT;
	else if (addr + old_len < addr || addr + old_len > USER_END)
		result = MM_NOT_SERVED;
	else if (vma_range_has(&mm->vmas, addr, addr + old_len, WVMA_RESERVED | WVMA_GROWSDOWN))
		result = MM_NOT_SERVED;
	else if (flags & MM_MREMAP_FIXED)
		result = remap_fixed(mm, addr, old_len, new_len, new_addr);
	else
		result = remap_anywhere(mm, addr, old_len, new_len, flags);
	if (result >= 0) {
		mm->hold_start = (uint64_t)result;
		mm->hold_end = (uint64_t)result + new_len;
	}
	mutex_unlock(&mm->lock);
	return result;
}
