/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of mappings (VMAs) of one address space: which ranges exist, with which rights, backed by
 * what. It knows nothing of page tables; whoever changes a range deals with its pages himself.
 *
 * An AVL tree ordered by address, each node with the largest free gap below it, so finding a VMA or
 * a place for a new one takes O(log n) steps however many there are; plus a list in address order.
 * Guarded by the owner's lock (mm->lock). A VMA owns one reference of its file; functions that are
 * given a file take a reference of their own. A VMA pointer is good until the next change of the
 * set.
 *
 * Portable: compiled on the host for tests/unit/test_vma.c. All addresses and lengths are in bytes,
 * multiples of the page size, ends exclusive.
 */
#ifndef KERNEL_MM_VMA_H
#define KERNEL_MM_VMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

#define VMA_PROT (WVMA_READ | WVMA_WRITE | WVMA_EXEC)

/* A flag of our own: memory that is written in place, for all who share it (see shared.c). */
#define VMA_LIVE (1u << 31)

/* Linux keeps this distance below a stack that grows (stack_guard_gap, 256 pages). */
#define STACK_GUARD (256 * (uint64_t)WIRE_PAGE_SIZE)

struct cfile;

struct vma {
	uint64_t start, end;
	uint64_t offset; /* of start in the file; 0 without a file */
	uint32_t flags;	 /* WVMA_* */
	int height;
	struct cfile *file; /* NULL: anonymous */
	struct vma *prev, *next;
	struct vma *left, *right;
	/* Of the subtree. low counts a growing stack's guard as used. */
	uint64_t low, high, gap;
};

struct vma_set {
	struct vma *root, *first;
	size_t count;
	uint64_t bytes;
	uint64_t accountable; /* bytes that may be written and are private */
	uint64_t live;	      /* bytes of VMA_LIVE; others may read it without lock */
};

void vma_set_init(struct vma_set *set);

/* Drops all. */
void vma_set_clear(struct vma_set *set);

/* Makes dst, which must be empty, equal to src. 0, or -ENOMEM and dst is empty. */
int vma_set_copy(struct vma_set *dst, const struct vma_set *src);

/* The first VMA that ends above addr (it need not contain it), or NULL. */
struct vma *vma_find(const struct vma_set *set, uint64_t addr);

/* The VMA that contains addr, or NULL. */
struct vma *vma_at(const struct vma_set *set, uint64_t addr);

/* No VMA overlaps start..end. */
bool vma_range_free(const struct vma_set *set, uint64_t start, uint64_t end);

/* Some VMA that overlaps start..end has one of these flags. */
bool vma_range_has(const struct vma_set *set, uint64_t start, uint64_t end, uint32_t flags);

/* The first address at or above start, below end, that no VMA contains; end when there is none. */
uint64_t vma_first_hole(const struct vma_set *set, uint64_t start, uint64_t end);

/* Adds a mapping where nothing is; joins it with equal neighbours. 0, -EEXIST, -ENOMEM. */
int vma_insert(struct vma_set *set, uint64_t start, uint64_t end, uint32_t flags, uint64_t offset,
	       struct cfile *file);

/* Removes what lies in start..end, splitting at the edges. 0, or -ENOMEM and nothing is changed. */
int vma_remove(struct vma_set *set, uint64_t start, uint64_t end);

/*
 * Gives start..end, which must have no hole, the rights prot (WVMA_READ | ...), splitting and
 * joining as needed. 0, or -ENOMEM: then the front part may have been changed.
 */
int vma_protect(struct vma_set *set, uint64_t start, uint64_t end, uint32_t prot);

/*
 * Moves the lower edge of a VMA down over free addresses; its offset stays that of the old start.
 */
void vma_extend_down(struct vma_set *set, struct vma *vma, uint64_t start);

/* Moves the upper edge of a VMA up over free addresses, and joins it with an equal neighbour. */
void vma_extend_up(struct vma_set *set, struct vma *vma, uint64_t end);

/*
 * The highest address in lo..hi at which len bytes are free, keeping out of stack guards; 0 when
 * there is none (address 0 is never a result).
 */
uint64_t vma_gap_below(const struct vma_set *set, uint64_t len, uint64_t lo, uint64_t hi);

/* The offset that a VMA's file has at addr. */
static inline uint64_t vma_offset_at(const struct vma *vma, uint64_t addr)
{
	return vma->file ? vma->offset + (addr - vma->start) : 0;
}

#define vma_for_each(pos, set) for (struct vma *pos = (set)->first; pos; pos = pos->next)

/*
 * May a stack VMA grow down to contain addr? 0, or -ENOMEM when its size would exceed `limit` bytes
 * (RLIMIT_STACK) or come within the guard gap of an accessible mapping below that is not a stack.
 */
int vma_may_grow(const struct vma *vma, uint64_t addr, uint64_t limit);

/* Do they say the same of adjacent ranges (first's end is second's start)? */
bool vma_can_join(const struct vma *first, const struct vma *second);

#endif
