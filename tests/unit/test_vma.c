/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of mappings against a model that is too simple to be wrong: an array with one entry per
 * page. Random operations on both must leave the same pages mapped in the same way, and after each
 * the tree must be ordered, balanced, right about its gaps, and joined wherever two neighbours say
 * the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/mm/vma.c"

#define PAGE	((uint64_t)WIRE_PAGE_SIZE)
#define PAGES	3000
#define BASE	(0x400000ull)
#define ADDR(i) (BASE + (uint64_t)(i)*PAGE)

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr); \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* Files here are only counted. */
struct cfile {
	int refs;
};

static struct cfile files[3];

struct cfile *cfile_get(struct cfile *file)
{
	file->refs++;
	return file;
}

void cfile_put(struct cfile *file)
{
	CHECK(file->refs > 0);
	file->refs--;
}

struct cell {
	bool used;
	uint32_t flags;
	struct cfile *file;
	uint64_t offset;
};

static struct cell model[PAGES];
static struct vma_set set;
static uint64_t rng;

static uint32_t rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 20) % n;
}

static uint64_t gap_low(const struct vma *v)
{
	return v->flags & WVMA_GROWSDOWN ? v->start - STACK_GUARD : v->start;
}

static int check_tree(const struct vma *v)
{
	int l, r;

	if (!v)
		return 0;
	l = check_tree(v->left);
	r = check_tree(v->right);
	CHECK(l - r <= 1 && r - l <= 1);
	CHECK(!v->left || v->left->start < v->start);
	CHECK(!v->right || v->right->start > v->start);
	CHECK(v->height == 1 + (l > r ? l : r));
	return v->height;
}

static void check_set(void)
{
	size_t count = 0;
	uint64_t bytes = 0, at = 0, gap = 0;
	int refs[3] = { 0 };
	int i = 0;

	check_tree(set.root);
	vma_for_each(v, &set)
	{
		CHECK(v->start < v->end && v->start >= at);
		if (at && gap_low(v) > at && gap_low(v) - at > gap)
			gap = gap_low(v) - at;
		CHECK(!v->next || (v->next->prev == v && !vma_can_join(v, v->next)));
		for (; ADDR(i) < v->start; i++)
			CHECK(!model[i].used);
		for (; ADDR(i) < v->end; i++) {
			CHECK(model[i].used && model[i].flags == v->flags);
			CHECK(model[i].file == v->file);
			CHECK(!v->file || model[i].offset == vma_offset_at(v, ADDR(i)));
		}
		if (v->file)
			refs[v->file - files]++;
		at = v->end;
		count++;
		bytes += v->end - v->start;
	}
	for (; i < PAGES; i++)
		CHECK(!model[i].used);
	CHECK(count == set.count && bytes == set.bytes);
	CHECK(!set.root || set.root->gap == gap);
	for (int f = 0; f < 3; f++)
		CHECK(refs[f] == files[f].refs);
}

static const uint32_t prots[] = { 0, 1, 3, 5, 7, 3, 3 };

static void op_insert(int from, int to)
{
	uint32_t flags =
		prots[rnd(7)] | (rnd(6) ? 0 : WVMA_NORESERVE) | (rnd(40) ? 0 : WVMA_GROWSDOWN);
	struct cfile *file = rnd(2) ? &files[rnd(3)] : NULL;
	/* Few distinct offsets, so that neighbours often continue each other. */
	uint64_t offset = rnd(3) ? (uint64_t)from * PAGE : rnd(50) * PAGE;
	bool is_free = true;
	int err;

	for (int i = from; i < to; i++)
		is_free &= !model[i].used;
	CHECK(vma_range_free(&set, ADDR(from), ADDR(to)) == is_free);
	err = vma_insert(&set, ADDR(from), ADDR(to), flags, offset, file);
	CHECK(err == (is_free ? 0 : -EEXIST));
	if (err)
		return;
	for (int i = from; i < to; i++)
		model[i] = (struct cell){ true, flags, file, offset + (uint64_t)(i - from) * PAGE };
}

static void op_remove(int from, int to)
{
	CHECK(vma_remove(&set, ADDR(from), ADDR(to)) == 0);
	for (int i = from; i < to; i++)
		model[i] = (struct cell){ 0 };
}

static void op_protect(int from, int to)
{
	uint32_t prot = prots[rnd(7)];
	int hole = from;

	while (hole < to && model[hole].used)
		hole++;
	CHECK(vma_first_hole(&set, ADDR(from), ADDR(to)) == ADDR(hole));
	if (hole == from)
		return;
	CHECK(vma_protect(&set, ADDR(from), ADDR(hole), prot) == 0);
	for (int i = from; i < hole; i++)
		model[i].flags = (model[i].flags & ~VMA_PROT) | prot;
}

/* Nothing is there, and the next mapping, if it is a stack, has its guard. */
static bool place_ok(int from, int n)
{
	const struct vma *next = vma_find(&set, ADDR(from));

	for (int i = from; i < from + n; i++)
		if (model[i].used)
			return false;
	return !next || gap_low(next) >= ADDR(from + n);
}

static void op_gap(void)
{
	int n = 1 + rnd(rnd(4) ? 20 : 400), lo = rnd(PAGES), hi = lo + rnd(PAGES - lo) + 1,
	    want = -1;
	uint64_t got = vma_gap_below(&set, n * PAGE, ADDR(lo), ADDR(hi));

	for (int i = hi - n; i >= lo && want < 0; i--)
		if (place_ok(i, n))
			want = i;
	CHECK(got == (want < 0 ? 0 : ADDR(want)));
}

static void op_find(void)
{
	int i = rnd(PAGES);
	struct vma *v = vma_at(&set, ADDR(i) + rnd(PAGE));

	CHECK(!!v == model[i].used);
	CHECK(!v || (v->start <= ADDR(i) && v->end > ADDR(i)));
	v = vma_find(&set, ADDR(i));
	CHECK(!v || v->end > ADDR(i));
	CHECK(!v || !v->prev || v->prev->end <= ADDR(i));
}

static void op_copy(void)
{
	struct vma_set copy;
	const struct vma *a = set.first, *b;

	vma_set_init(&copy);
	CHECK(vma_set_copy(&copy, &set) == 0);
	CHECK(copy.count == set.count && copy.bytes == set.bytes);
	CHECK(copy.accountable == set.accountable);
	for (b = copy.first; a && b; a = a->next, b = b->next)
		CHECK(a->start == b->start && a->end == b->end && a->flags == b->flags &&
		      a->offset == b->offset && a->file == b->file);
	CHECK(!a && !b);
	vma_set_clear(&copy);
	CHECK(copy.count == 0);
}

static void random_operations(uint64_t seed, int steps)
{
	rng = seed * 0x9e3779b97f4a7c15ull + 1;
	vma_set_init(&set);
	memset(model, 0, sizeof(model));
	for (int s = 0; s < steps; s++) {
		int from = rnd(PAGES), to = from + 1 + rnd(rnd(8) ? 12 : 300);

		if (to > PAGES)
			to = PAGES;
		switch (rnd(10)) {
		case 0:
		case 1:
		case 2:
		case 3:
			op_insert(from, to);
			break;
		case 4:
		case 5:
			op_remove(from, to);
			break;
		case 6:
		case 7:
			op_protect(from, to);
			break;
		case 8:
			op_gap();
			break;
		default:
			op_find();
			if (!rnd(50))
				op_copy();
		}
		check_set();
	}
	vma_set_clear(&set);
	for (int f = 0; f < 3; f++)
		CHECK(files[f].refs == 0);
}

/* 65,000 mappings that cannot be joined, placed one below the other as mmap does. */
static void many_mappings(void)
{
	const int n = 65000;
	uint64_t top = 0x7ffff7fff000ull;

	vma_set_init(&set);
	for (int i = 0; i < n; i++) {
		uint64_t addr = vma_gap_below(&set, PAGE, PAGE, top);

		CHECK(addr == top - (uint64_t)(i + 1) * PAGE);
		CHECK(vma_insert(&set, addr, addr + PAGE, i % 2 ? 1 : 3, 0, NULL) == 0);
	}
	CHECK(set.count == (size_t)n);
	CHECK(set.root->height <= 23);
	CHECK(vma_protect(&set, top - n * PAGE, top, 3) == 0);
	CHECK(set.count == 1 && set.accountable == n * PAGE);
	vma_set_clear(&set);
}

static void stack_growth(void)
{
	const uint64_t top = 0x7ffffffff000ull, stack = top - 33 * PAGE;
	struct vma *v;

	vma_set_init(&set);
	CHECK(vma_insert(&set, stack, top, 3 | WVMA_GROWSDOWN, 0, NULL) == 0);
	/* New mappings keep out of the guard gap. */
	CHECK(vma_gap_below(&set, PAGE, PAGE, top) == stack - STACK_GUARD - PAGE);
	v = vma_at(&set, stack);
	CHECK(vma_may_grow(v, stack - 1, 34 * PAGE) == 0);
	CHECK(vma_may_grow(v, stack - 1, 33 * PAGE) == -ENOMEM);
	CHECK(vma_insert(&set, stack - 300 * PAGE, stack - 299 * PAGE, 3, 0, NULL) == 0);
	v = vma_at(&set, stack);
	CHECK(vma_may_grow(v, stack - 43 * PAGE, UINT64_MAX) == 0);
	CHECK(vma_may_grow(v, stack - 44 * PAGE, UINT64_MAX) == -ENOMEM);
	/* An inaccessible one is a guard already. */
	CHECK(vma_protect(&set, stack - 300 * PAGE, stack - 299 * PAGE, 0) == 0);
	CHECK(vma_may_grow(vma_at(&set, stack), stack - 299 * PAGE, UINT64_MAX) == 0);
	vma_extend_down(&set, vma_at(&set, stack), stack - 20 * PAGE);
	CHECK(vma_at(&set, stack - 20 * PAGE) && set.bytes == 54 * PAGE);
	vma_extend_up(&set, vma_at(&set, stack - 300 * PAGE), stack - 250 * PAGE);
	CHECK(vma_at(&set, stack - 251 * PAGE) && set.bytes == 103 * PAGE);
	vma_set_clear(&set);
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : 40;

	stack_growth();
	many_mappings();
	for (uint64_t seed = 1; seed <= seeds; seed++)
		random_operations(seed, 600);
	printf("test_vma: ok\n");
	return 0;
}
