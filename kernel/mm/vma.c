/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of mappings: an AVL tree with free gaps noted in it, and what mmap and friends do to it.
 */
#include "kernel/mm/vma.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/mm/filecache.h"

/* --- the tree -------------------------------------------------------------------------------- */

static int height(const struct vma *v)
{
	return v ? v->height : 0;
}

/* Where the address space that v needs begins. */
static uint64_t vma_low(const struct vma *v)
{
	if (!(v->flags & WVMA_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD ? v->start - STACK_GUARD : 0;
}

static uint64_t between(uint64_t low, uint64_t high)
{
	return high > low ? high - low : 0;
}

/* Recomputes what v says about its subtree from its children. */
static void update(struct vma *v)
{
	const struct vma *l = v->left, *r = v->right;
	uint64_t gap = 0;

	v->height = 1 + (height(l) > height(r) ? height(l) : height(r));
	v->low = l ? l->low : vma_low(v);
	v->high = r ? r->high : v->end;
	if (l) {
		gap = between(l->high, vma_low(v));
		if (l->gap > gap)
			gap = l->gap;
	}
	if (r) {
		if (between(v->end, r->low) > gap)
			gap = between(v->end, r->low);
		if (r->gap > gap)
			gap = r->gap;
	}
	v->gap = gap;
}

static struct vma *rotate_right(struct vma *v)
{
	struct vma *l = v->left;

	v->left = l->right;
	l->right = v;
	update(v);
	update(l);
	return l;
}

static struct vma *rotate_left(struct vma *v)
{
	struct vma *r = v->right;

	v->right = r->left;
	r->left = v;
	update(v);
	update(r);
	return r;
}

static struct vma *balance(struct vma *v)
{
	if (height(v->left) > height(v->right) + 1) {
		if (height(v->left->left) < height(v->left->right))
			v->left = rotate_left(v->left);
		return rotate_right(v);
	}
	if (height(v->right) > height(v->left) + 1) {
		if (height(v->right->right) < height(v->right->left))
			v->right = rotate_right(v->right);
		return rotate_left(v);
	}
	update(v);
	return v;
}

static struct vma *tree_insert(struct vma *root, struct vma *v)
{
	if (!root) {
		v->left = v->right = NULL;
		update(v);
		return v;
	}
	if (v->start < root->start)
		root->left = tree_insert(root->left, v);
	else
		root->right = tree_insert(root->right, v);
	return balance(root);
}

static struct vma *tree_take_first(struct vma *root, struct vma **first)
{
	if (!root->left) {
		*first = root;
		return root->right;
	}
	root->left = tree_take_first(root->left, first);
	return balance(root);
}

static struct vma *tree_erase(struct vma *root, const struct vma *v)
{
	struct vma *heir;

	if (v->start < root->start) {
		root->left = tree_erase(root->left, v);
	} else if (v->start > root->start) {
		root->right = tree_erase(root->right, v);
	} else if (!root->left) {
		return root->right;
	} else if (!root->right) {
		return root->left;
	} else {
		struct vma *rest = tree_take_first(root->right, &heir);

		heir->left = root->left;
		heir->right = rest;
		root = heir;
	}
	return balance(root);
}

/* After start, end or flags of v changed without changing its place in the order. */
static void tree_refresh(struct vma *root, const struct vma *v)
{
	if (v->start < root->start)
		tree_refresh(root->left, v);
	else if (v->start > root->start)
		tree_refresh(root->right, v);
	update(root);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static void account(struct vma_set *set, const struct vma *v, uint64_t len, bool add)
{
	uint64_t charge = 0;

	if ((v->flags & (WVMA_WRITE | WVMA_SHARED | WVMA_NORESERVE)) == WVMA_WRITE)
		charge = len;
	set->bytes += add ? len : -len;
	set->accountable += add ? charge : -charge;
	if (v->flags & VMA_LIVE)
		set->live += add ? len : -len;
}

static void set_range(struct vma_set *set, struct vma *v, uint64_t start, uint64_t end)
{
	account(set, v, v->end - v->start, false);
	if (v->file)
		v->offset += start - v->start;
	v->start = start;
	v->end = end;
	account(set, v, v->end - v->start, true);
	tree_refresh(set->root, v);
}

static struct vma *last_vma(const struct vma_set *set)
{
	struct vma *v = set->root;

	while (v && v->right)
		v = v->right;
	return v;
}

/* Puts a new node with start, end, flags, offset and file set between its neighbours. */
static void link_vma(struct vma_set *set, struct vma *v, struct vma *prev, struct vma *next)
{
	v->prev = prev;
	v->next = next;
	if (prev)
		prev->next = v;
	else
		set->first = v;
	if (next)
		next->prev = v;
	set->root = tree_insert(set->root, v);
	set->count++;
	account(set, v, v->end - v->start, true);
}

static void drop_vma(struct vma_set *set, struct vma *v)
{
	set->root = tree_erase(set->root, v);
	if (v->prev)
		v->prev->next = v->next;
	else
		set->first = v->next;
	if (v->next)
		v->next->prev = v->prev;
	set->count--;
	account(set, v, v->end - v->start, false);
	if (v->file)
		cfile_put(v->file);
	free(v);
}

static struct vma *new_vma(uint64_t start, uint64_t end, uint32_t flags, uint64_t offset,
			   struct cfile *file)
{
	struct vma *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->start = start;
	v->end = end;
	v->flags = flags;
	v->file = file ? cfile_get(file) : NULL;
	v->offset = file ? offset : 0;
	return v;
}

/* Cuts v at addr, which lies inside: the upper part becomes a VMA of its own. */
static int split(struct vma_set *set, struct vma *v, uint64_t addr)
{
	struct vma *upper = new_vma(addr, v->end, v->flags, vma_offset_at(v, addr), v->file);

	if (!upper)
		return -ENOMEM;
	set_range(set, v, v->start, addr);
	link_vma(set, upper, v, v->next);
	return 0;
}

bool vma_can_join(const struct vma *first, const struct vma *second)
{
	return first->end == second->start && first->flags == second->flags &&
	       first->file == second->file &&
	       (!first->file || vma_offset_at(first, first->end) == second->offset);
}

/* Joins v with its successor if they say the same. */
static bool join_next(struct vma_set *set, struct vma *v)
{
	struct vma *next = v->next;
	uint64_t end;

	if (!next || !vma_can_join(v, next))
		return false;
	end = next->end;
	drop_vma(set, next);
	set_range(set, v, v->start, end);
	return true;
}

/* --- the set --------------------------------------------------------------------------------- */

void vma_set_init(struct vma_set *set)
{
	*set = (struct vma_set){ 0 };
}

void vma_set_clear(struct vma_set *set)
{
	struct vma *v = set->first;

	while (v) {
		struct vma *next = v->next;

		if (v->file)
			cfile_put(v->file);
		free(v);
		v = next;
	}
	vma_set_init(set);
}

int vma_set_copy(struct vma_set *dst, const struct vma_set *src)
{
	struct vma *last = NULL;

	vma_for_each(v, src)
	{
		struct vma *copy = new_vma(v->start, v->end, v->flags, v->offset, v->file);

		if (!copy) {
			vma_set_clear(dst);
			return -ENOMEM;
		}
		link_vma(dst, copy, last, NULL);
		last = copy;
	}
	return 0;
}

struct vma *vma_find(const struct vma_set *set, uint64_t addr)
{
	struct vma *v = set->root, *found = NULL;

	while (v) {
		if (v->end > addr) {
			found = v;
			v = v->left;
		} else {
			v = v->right;
		}
	}
	return found;
}

struct vma *vma_at(const struct vma_set *set, uint64_t addr)
{
	struct vma *v = vma_find(set, addr);

	return v && v->start <= addr ? v : NULL;
}

bool vma_range_free(const struct vma_set *set, uint64_t start, uint64_t end)
{
	const struct vma *v = vma_find(set, start);

	return !v || v->start >= end;
}

bool vma_range_has(const struct vma_set *set, uint64_t start, uint64_t end, uint32_t flags)
{
	for (const struct vma *v = vma_find(set, start); v && v->start < end; v = v->next)
		if (v->flags & flags)
			return true;
	return false;
}

uint64_t vma_first_hole(const struct vma_set *set, uint64_t start, uint64_t end)
{
	const struct vma *v = vma_find(set, start);

	while (start < end && v && v->start <= start) {
		start = v->end;
		v = v->next;
	}
	return start < end ? start : end;
}

int vma_insert(struct vma_set *set, uint64_t start, uint64_t end, uint32_t flags, uint64_t offset,
	       struct cfile *file)
{
	struct vma *next = vma_find(set, start);
	struct vma *prev = next ? next->prev : last_vma(set);
	struct vma probe = { .start = start,
			     .end = end,
			     .flags = flags,
			     .file = file,
			     .offset = file ? offset : 0 };
	struct vma *v;

	if (next && next->start < end)
		return -EEXIST;
	if (prev && vma_can_join(prev, &probe)) {
		set_range(set, prev, prev->start, end);
		join_next(set, prev);
		return 0;
	}
	if (next && vma_can_join(&probe, next)) {
		set_range(set, next, start, next->end);
		return 0;
	}
	v = new_vma(start, end, flags, offset, file);
	if (!v)
		return -ENOMEM;
	link_vma(set, v, prev, next);
	return 0;
}

int vma_remove(struct vma_set *set, uint64_t start, uint64_t end)
{
	struct vma *v = vma_find(set, start), *next;

	for (; v && v->start < end; v = next) {
		next = v->next;
		if (v->start < start && v->end > end) {
			/* The only VMA concerned, so nothing has been changed if this fails. */
			int err = split(set, v, end);

			if (err)
				return err;
			set_range(set, v, v->start, start);
			break;
		}
		if (v->start < start)
			set_range(set, v, v->start, start);
		else if (v->end > end)
			set_range(set, v, end, v->end);
		else
			drop_vma(set, v);
	}
	return 0;
}

int vma_protect(struct vma_set *set, uint64_t start, uint64_t end, uint32_t prot)
{
	struct vma *v, *from = NULL;
	int err = 0;

	for (v = vma_find(set, start); v && v->start < end; v = v->next) {
		if ((v->flags & VMA_PROT) == prot)
			continue;
		if (v->start < start) {
			err = split(set, v, start);
			if (err)
				break;
			continue; /* the next one is the upper part */
		}
		if (v->end > end) {
			err = split(set, v, end);
			if (err)
				break;
		}
		account(set, v, v->end - v->start, false);
		v->flags = (v->flags & ~VMA_PROT) | prot;
		account(set, v, v->end - v->start, true);
	}
	from = vma_find(set, start);
	if (from && from->prev)
		from = from->prev;
	for (v = from; v && v->start < end;)
		if (!join_next(set, v))
			v = v->next;
	return err;
}

void vma_extend_down(struct vma_set *set, struct vma *vma, uint64_t start)
{
	set_range(set, vma, start, vma->end);
}

void vma_extend_up(struct vma_set *set, struct vma *vma, uint64_t end)
{
	set_range(set, vma, vma->start, end);
	join_next(set, vma);
}

/*
 * The highest place in lo..hi, where v's subtree holds all that is mapped there. A subtree none of
 * whose gaps, inner or at its edges, is large enough is not looked into.
 */
static uint64_t gap_search(const struct vma *v, uint64_t len, uint64_t lo, uint64_t hi)
{
	uint64_t found, below;

	if (hi <= lo || hi - lo < len)
		return 0;
	if (!v)
		return hi - len;
	if (v->gap < len && between(lo, v->low) < len && between(v->high, hi) < len)
		return 0;
	found = gap_search(v->right, len, lo > v->end ? lo : v->end, hi);
	if (found)
		return found;
	/* A guard takes from the gap before its stack only, not from the gaps further down. */
	below = vma_low(v);
	if (v->left && v->left->high > below)
		below = v->left->high;
	return gap_search(v->left, len, lo, hi < below ? hi : below);
}

uint64_t vma_gap_below(const struct vma_set *set, uint64_t len, uint64_t lo, uint64_t hi)
{
	return gap_search(set->root, len, lo, hi);
}

int vma_may_grow(const struct vma *vma, uint64_t addr, uint64_t limit)
{
	const struct vma *prev = vma->prev;

	addr &= ~(uint64_t)(WIRE_PAGE_SIZE - 1);
	if (vma->end - addr > limit)
		return -ENOMEM;
	if (prev && !(prev->flags & WVMA_GROWSDOWN) && (prev->flags & VMA_PROT) &&
	    addr - prev->end < STACK_GUARD)
		return -ENOMEM;
	return 0;
}
