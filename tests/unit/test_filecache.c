/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache of file pages, with the kernel around it replaced: pages and heap come from malloc (so
 * that ASan sees each one), and allocation can be made to fail.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr); \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* --- the environment, in place of the kernel's headers --------------------------------------- */

#define KERNEL_MM_PAGE_H
#define KERNEL_MM_KMALLOC_H
#define KERNEL_SYNC_SPINLOCK_H
#define KERNEL_SYNC_WAITQ_H

#define PAGE_SIZE 4096ul

struct page {
	uint32_t refcount;
	uint8_t content[PAGE_SIZE];
};

static int pages_live, fail_after = -1, wakes, locked;

static bool fails(void)
{
	return fail_after >= 0 && fail_after-- == 0;
}

static struct page *page_alloc(unsigned order)
{
	struct page *p = fails() ? NULL : malloc(sizeof(*p));

	CHECK(order == 0);
	if (p) {
		p->refcount = 1;
		pages_live++;
	}
	return p;
}

static struct page *page_alloc_zero(unsigned order)
{
	struct page *p = page_alloc(order);

	if (p)
		memset(p->content, 0, PAGE_SIZE);
	return p;
}

static struct page *page_get(struct page *p)
{
	p->refcount++;
	return p;
}

static void page_put(struct page *p)
{
	if (--p->refcount == 0) {
		pages_live--;
		free(p);
	}
}

static uint32_t page_refs(const struct page *p)
{
	return p->refcount;
}

static void *page_virt(struct page *p)
{
	return p->content;
}

static void *kzalloc(size_t n)
{
	return fails() ? NULL : calloc(1, n);
}

static void *krealloc(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

static void kfree(void *p)
{
	free(p);
}

typedef int spinlock_t;
#define SPINLOCK_INIT 0

static void spin_lock(spinlock_t *l)
{
	(void)l;
	CHECK(!locked);
	locked = 1;
}

static void spin_unlock(spinlock_t *l)
{
	(void)l;
	CHECK(locked);
	locked = 0;
}

struct waitq {
	int unused;
};
#define WAITQ_INIT(name) \
	{                \
		0        \
	}

static void waitq_wake_all(struct waitq *wq)
{
	(void)wq;
	wakes++;
}

/* Nobody else runs, so a condition that does not hold now never will. */
#define wait_event(wq, cond) CHECK(cond)

#include "kernel/mm/filecache.c"

/* --- the tests ------------------------------------------------------------------------------- */

static const uint8_t home_a[16] = { 1 }, home_b[16] = { 2 };
static const struct wire_file small = { .dev = 8, .ino = 77, .size = 3 * 4096 + 1, .mtime_ns = 5 };

static bool always(void *arg)
{
	(void)arg;
	return true;
}

static void one_cache_per_identity(void)
{
	struct wire_file changed = small;
	struct cfile *f = filecache_open(home_a, &small), *g = filecache_open(home_a, &small);
	struct cfile *h;

	CHECK(f == g && cfile_pages(f) == 4);
	changed.mtime_ns++;
	h = filecache_open(home_a, &changed);
	CHECK(h != f);
	cfile_put(h);
	h = filecache_open(home_b, &small);
	CHECK(h != f);
	cfile_put(h);
	cfile_put(f);
	cfile_put(g);
	CHECK(stats.files == 0);
}

static void pages_arrive(void)
{
	struct cfile *f = filecache_open(home_a, &small);
	uint8_t data[4096];
	struct page *p = NULL;

	memset(data, 'x', sizeof(data));
	CHECK(filecache_lookup(f, 0, &p) == CPAGE_ABSENT);
	CHECK(filecache_claim(f, 0, 3) == 3);
	CHECK(filecache_claim(f, 0, 3) == 0); /* never asked twice */
	CHECK(filecache_lookup(f, 1, &p) == CPAGE_COMING);
	filecache_wait(f, 1, always, NULL);
	CHECK(filecache_install(f, 0, WPAGE_RAW, data) == 0 && wakes == 1);
	CHECK(filecache_install(f, 1, WPAGE_ZERO, NULL) == 0);
	CHECK(filecache_install(f, 2, WPAGE_NONE, NULL) == 0);
	CHECK(filecache_lookup(f, 0, &p) == CPAGE_PRESENT && p->content[9] == 'x');
	CHECK(page_refs(p) == 2);
	page_put(p);
	CHECK(filecache_lookup(f, 1, &p) == CPAGE_PRESENT && p->content[9] == 0);
	page_put(p);
	CHECK(filecache_lookup(f, 2, &p) == CPAGE_NONE);
	/* What was not asked for, or is there already, changes nothing. */
	data[9] = 'y';
	CHECK(filecache_install(f, 0, WPAGE_RAW, data) == 0);
	CHECK(filecache_install(f, 3, WPAGE_RAW, data) == 0);
	CHECK(filecache_lookup(f, 0, &p) == CPAGE_PRESENT && p->content[9] == 'x');
	page_put(p);
	CHECK(filecache_lookup(f, 3, &p) == CPAGE_ABSENT);
	CHECK(pages_live == 2);

	/* The cache outlives its users, and is found again. */
	cfile_put(f);
	f = filecache_open(home_a, &small);
	CHECK(filecache_lookup(f, 0, &p) == CPAGE_PRESENT);
	/* A mapped page is not dropped, the others are. */
	CHECK(filecache_shrink(100) == 1);
	CHECK(filecache_lookup(f, 1, &p) == CPAGE_ABSENT);
	cfile_put(f);
	page_put(p);
	CHECK(filecache_shrink(100) == 1);
	CHECK(pages_live == 0);
	f = filecache_open(home_a, &small);
	CHECK(filecache_claim(f, 1, 1) == 1);
	filecache_abandon(f, 0, 4);
	CHECK(filecache_lookup(f, 1, &p) == CPAGE_ABSENT);
	cfile_put(f);
}

static void untouched_pages_go_first(void)
{
	struct wire_file id = small;
	struct cfile *f;
	struct page *p;

	id.ino = 1000;
	id.size = 1ull << 40;
	f = filecache_open(home_a, &id);
	CHECK(filecache_claim(f, 100000, 600) == 600);
	for (int i = 0; i < 600; i++)
		CHECK(filecache_install(f, 100000 + i, WPAGE_ZERO, NULL) == 0);
	CHECK(filecache_shrink(1) == 1); /* forgets who was touched */
	CHECK(filecache_lookup(f, 100300, &p) == CPAGE_PRESENT);
	page_put(p);
	CHECK(filecache_shrink(598) == 598);
	CHECK(filecache_lookup(f, 100300, &p) == CPAGE_PRESENT);
	page_put(p);
	cfile_put(f);
	CHECK(filecache_shrink(10) == 1 && pages_live == 0);
}

/* Whatever allocation fails, nothing leaks and the slot can be asked for again. */
static void memory_runs_out(void)
{
	for (int n = 0; n < 6; n++) {
		struct wire_file id = small;
		struct cfile *f;
		struct page *p;

		id.ino = 2000 + n;
		fail_after = n;
		f = filecache_open(home_a, &id);
		if (f && filecache_claim(f, 1, 1) == 1 && filecache_install(f, 1, WPAGE_ZERO, NULL))
			CHECK(filecache_lookup(f, 1, &p) == CPAGE_ABSENT);
		fail_after = -1;
		if (!f)
			continue;
		if (filecache_lookup(f, 1, &p) == CPAGE_ABSENT) {
			CHECK(filecache_claim(f, 1, 1) == 1);
			CHECK(filecache_install(f, 1, WPAGE_ZERO, NULL) == 0);
		} else {
			page_put(p);
		}
		cfile_put(f);
	}
	filecache_shrink(100);
	CHECK(pages_live == 0);
}

static void random_operations(uint64_t seed)
{
	struct cfile *f[4] = { NULL };
	struct page *mapped[64] = { NULL };
	uint64_t rng = seed * 0x9e3779b97f4a7c15ull + 1;

	for (int step = 0; step < 20000; step++) {
		unsigned r, k, index;
		struct wire_file id = small;

		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		r = rng >> 40;
		k = r % 4;
		index = r / 4 % 1000;
		id.ino = 3000 + k;
		if (!f[k])
			f[k] = filecache_open(home_a, &id);
		switch (r / 4000 % 8) {
		case 0:
			cfile_put(f[k]);
			f[k] = NULL;
			break;
		case 1:
		case 2:
			filecache_claim(f[k], index, 16);
			break;
		case 3:
		case 4:
			for (int i = 0; i < 16; i++)
				filecache_install(f[k], index + i,
						  r >> 20 & 7 ? WPAGE_ZERO : WPAGE_NONE, NULL);
			break;
		case 5:
			filecache_abandon(f[k], index, 16);
			break;
		case 6:
			if (mapped[step % 64])
				page_put(mapped[step % 64]);
			mapped[step % 64] = NULL;
			filecache_lookup(f[k], index, &mapped[step % 64]);
			break;
		default:
			if (r % 11 == 0)
				filecache_shrink(r % 97);
		}
	}
	for (int i = 0; i < 64; i++)
		if (mapped[i])
			page_put(mapped[i]);
	for (int k = 0; k < 4; k++) {
		struct wire_file id = small;

		id.ino = 3000 + k;
		if (!f[k])
			f[k] = filecache_open(home_a, &id);
		filecache_abandon(f[k], 0, 2000);
		cfile_put(f[k]);
	}
	filecache_shrink(SIZE_MAX);
	CHECK(pages_live == 0 && stats.pages == 0 && stats.files == 0);
}

/* Shared memory is written in place, never evicted, told from home's copy, and gone with the last user. */
static void shared_memory(void)
{
	const struct wire_file id = { .dev = 8, .ino = 78, .size = UINT64_MAX, .mtime_ns = WFILE_SHARED };
	struct cfile *f = filecache_open(home_a, &id);
	struct page *p;
	uint64_t at = 0;

	CHECK(cfile_live(f) && cfile_seen(f) && !cfile_fresh(f));
	CHECK(filecache_claim(f, 300, 3) == 3);
	for (uint64_t i = 300; i < 302; i++)
		CHECK(filecache_install(f, i, WPAGE_ZERO, NULL) == 0);
	CHECK(filecache_install(f, 302, WPAGE_NONE, NULL) == 0);
	CHECK(filecache_shrink(100) == 0 && pages_live == 2);

	/* The end may be elsewhere now. */
	CHECK(filecache_lookup(f, 302, &p) == CPAGE_NONE);
	filecache_forget(f, 302);
	filecache_forget(f, 301);
	CHECK(filecache_lookup(f, 302, &p) == CPAGE_ABSENT);
	CHECK(filecache_lookup(f, 301, &p) == CPAGE_PRESENT);
	page_put(p);

	CHECK(!filecache_take_dirty(f, &at, 1000));
	filecache_dirty(f, 301);
	at = 0;
	CHECK(!filecache_take_dirty(f, &at, 301));
	p = filecache_take_dirty(f, &at, 1000);
	CHECK(p && at == 301);
	page_put(p);
	CHECK(!filecache_take_dirty(f, &at, 1000));

	/* Home's is newer: what is as home's was goes, what is not stays. */
	filecache_dirty(f, 300);
	filecache_stale_begin(f);
	CHECK(filecache_lookup(f, 300, &p) == CPAGE_COMING);
	filecache_stale_end(f);
	CHECK(filecache_lookup(f, 301, &p) == CPAGE_ABSENT);
	CHECK(filecache_lookup(f, 300, &p) == CPAGE_PRESENT);
	page_put(p);
	cfile_put(f);
	CHECK(stats.files == 0 && pages_live == 0);
}

int main(void)
{
	one_cache_per_identity();
	pages_arrive();
	untouched_pages_go_first();
	memory_runs_out();
	shared_memory();
	for (uint64_t seed = 1; seed <= 10; seed++)
		random_operations(seed);
	printf("test_filecache: ok\n");
	return 0;
}
