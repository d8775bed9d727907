/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces tried out in the booted kernel: a kernel thread puts one on, as a guest's thread
 * would, and touches it through uaccess, so that real faults happen on real page tables. Home is
 * played by another thread, whose pages are known by their address. Only with CONFIG_SELFTEST.
 */
#ifdef CONFIG_SELFTEST

#include "kernel/mm/selftest_mm.h"

#include <errno.h>
#include <string.h>

#include "kernel/cpu/percpu.h"
#include "kernel/kprintf.h"
#include "kernel/mm/filecache.h"
#include "kernel/mm/internal.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/thread.h"
#include "kernel/time/clock.h"

#define BASE	   0x10000000ul
#define FILE_BASE  0x20000000ul
#define FILE_PAGES 50ul
#define TOP	   0x7fff00000000ul
#define RW	   (WVMA_READ | WVMA_WRITE)
#define ANON	   (MM_MAP_PRIVATE | MM_MAP_ANONYMOUS)

static unsigned failures;

#define CHECK(expr)                                                                  \
	do {                                                                         \
		if (!(expr)) {                                                       \
			failures++;                                                  \
			kprintf("selftest: %s:%d: %s\n", __FILE__, __LINE__, #expr); \
		}                                                                    \
	} while (0)

/* --- a home ---------------------------------------------------------------------------------- */

struct request {
	struct list_head link;
	uint32_t cookie;
	uint64_t addr;
	unsigned npages;
};

struct home {
	struct guest_pager pager;
	spinlock_t lock;
	struct list_head requests;
	struct waitq wq;
	bool paused, stop, stopped;
	unsigned asked; /* requests */
	unsigned pages; /* pages asked for */
	uint64_t grown;
};

/* What home has at addr: every seventh page is zero. */
static uint64_t word_at(uint64_t addr)
{
	return (addr >> PAGE_SHIFT) % 7 == 3 ? 0 : addr * 0x9e3779b97f4a7c15ul | 1;
}

static int home_fetch(struct guest_pager *pager, uint32_t cookie, uint64_t addr, unsigned npages,
		      bool file)
{
	struct home *h = container_of(pager, struct home, pager);
	struct request *r = kzalloc(sizeof(*r));

	(void)file;
	r->cookie = cookie;
	r->addr = addr;
	r->npages = npages;
	spin_lock(&h->lock);
	list_add_tail(&r->link, &h->requests);
	h->asked++;
	h->pages += npages;
	spin_unlock(&h->lock);
	waitq_wake_all(&h->wq);
	return 0;
}

static void home_grown(struct guest_pager *pager, uint64_t start, uint64_t old_start)
{
	(void)old_start;
	container_of(pager, struct home, pager)->grown = start;
}

static struct request *home_next(struct home *h)
{
	struct request *r = NULL;

	spin_lock(&h->lock);
	if (!h->paused && !list_empty(&h->requests)) {
		r = list_first_entry(&h->requests, struct request, link);
		list_del(&r->link);
	}
	spin_unlock(&h->lock);
	return r;
}

static bool home_has_work(struct home *h)
{
	return h->stop || (!h->paused && !list_empty(&h->requests));
}

static void home_answer(struct home *h, const struct request *r)
{
	static uint64_t data[WIRE_PAGES_MAX][512];
	unsigned done = 0;

	while (done < r->npages) {
		uint8_t kinds[WIRE_PAGES_MAX];
		uint64_t addr = r->addr + done * PAGE_SIZE;
		unsigned n = 0, raw = 0;

		for (; n < WIRE_PAGES_MAX && done < r->npages; n++, done++) {
			uint64_t page = addr + n * PAGE_SIZE;

			kinds[n] = word_at(page) ? WPAGE_RAW : WPAGE_ZERO;
			for (unsigned i = 0; kinds[n] == WPAGE_RAW && i < 512; i++)
				data[raw][i] = word_at(page + i * 8);
			raw += kinds[n] == WPAGE_RAW;
		}
		CHECK(mm_install(h->pager.mm, r->cookie, addr, n, kinds, data) == 0);
	}
	mm_fetch_done(h->pager.mm, r->cookie);
}

static void home_main(void *arg)
{
	struct home *h = arg;

	while (!h->stop) {
		struct request *r;

		wait_event(&h->wq, home_has_work(h));
		while ((r = home_next(h))) {
			home_answer(h, r);
			kfree(r);
		}
	}
	h->stopped = true;
	waitq_wake_all(&h->wq);
}

static void home_pause(struct home *h, bool paused)
{
	h->paused = paused;
	waitq_wake_all(&h->wq);
}

static struct home *home_start(struct mm *mm)
{
	struct home *h = kzalloc(sizeof(*h));

	spin_init(&h->lock);
	list_init(&h->requests);
	waitq_init(&h->wq);
	h->pager.mm = mm;
	h->pager.fetch = home_fetch;
	h->pager.stack_grown = home_grown;
	mm->pager = &h->pager;
	kthread_create("selftest-home", home_main, h);
	return h;
}

static void home_stop(struct home *h)
{
	h->stop = true;
	waitq_wake_all(&h->wq);
	wait_event(&h->wq, h->stopped);
	kfree(h);
}

/* --- helpers --------------------------------------------------------------------------------- */

static void put_on(struct mm *mm)
{
	unsigned long flags = irq_save();

	current->mm = mm;
	mm_activate(mm);
	irq_restore(flags);
}

static uint64_t peek(uint64_t addr)
{
	uint64_t v = 0;

	return get_user64(&v, addr) ? 0xdead : v;
}

static int fault_of(struct mm *mm, uint64_t addr, enum mm_access access)
{
	struct fault_info info = { 0 };
	int err = mm_fault(mm, addr, access, &info);

	return err == -EFAULT ? info.signo * 10 + info.code : err;
}

/* As the system calls do it. */
static long remap(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, uint32_t flags,
		  uint64_t new_addr)
{
	long result = mm_remap(mm, addr, old_len, new_len, flags, new_addr);

	mm_release(mm);
	return result;
}

static long dontneed(struct mm *mm, uint64_t addr, uint64_t len)
{
	long result = mm_advise_dontneed(mm, addr, len, false);

	mm_release(mm);
	return result;
}

static struct cfile *open_file(void)
{
	static const uint8_t home_id[16] = "selftest";
	const struct wire_file id = { .dev = 1, .ino = 2, .size = FILE_PAGES * PAGE_SIZE - 5 };

	return filecache_open(home_id, &id);
}

/* --- one thread ------------------------------------------------------------------------------ */

static void test_anonymous(struct mm *mm)
{
	CHECK(mm_map_anon(mm, 0, 10 * PAGE_SIZE, RW, ANON) == (long)(TOP - 10 * PAGE_SIZE));
	CHECK(mm_map_anon(mm, BASE, 100 * PAGE_SIZE, RW, ANON) == (long)BASE);
	CHECK(mm->rss_pages == 0);
	CHECK(peek(BASE + 8) == 0 && mm->rss_pages == 0);
	CHECK(put_user64(BASE + 8, 77) == 0 && peek(BASE + 8) == 77 && mm->rss_pages == 1);
	CHECK(put_user64(BASE + 5 * PAGE_SIZE - 4, 0x1122334455667788ul) == 0);
	CHECK(peek(BASE + 5 * PAGE_SIZE - 4) == 0x1122334455667788ul && mm->rss_pages == 3);
	CHECK(peek(BASE - 8) == 0xdead && fault_of(mm, BASE - 8, MM_READ) == 111);
	CHECK(fault_of(mm, BASE, MM_EXEC) == 112);
	CHECK(user_writable_prefix(BASE + 90 * PAGE_SIZE, 1 << 20) == 10 * PAGE_SIZE);
	CHECK(peek(0xffff800000000000ul) == 0xdead);

	CHECK(mm_protect(mm, BASE, PAGE_SIZE, 0) == 0);
	CHECK(peek(BASE + 8) == 0xdead && fault_of(mm, BASE, MM_READ) == 112);
	CHECK(mm_protect(mm, BASE, PAGE_SIZE, WVMA_READ) == 0);
	CHECK(peek(BASE + 8) == 77 && put_user64(BASE + 8, 1) == -EFAULT);
	CHECK(mm_protect(mm, BASE, 200 * PAGE_SIZE, RW) == -ENOMEM);
	CHECK(put_user64(BASE + 8, 78) == 0 && peek(BASE + 8) == 78);

	CHECK(dontneed(mm, BASE, PAGE_SIZE) == 0 && peek(BASE + 8) == 0);
	CHECK(mm_map_anon(mm, BASE, PAGE_SIZE, RW, ANON | MM_MAP_FIXED_NOREPLACE) == -EEXIST);
	CHECK(mm_unmap(mm, BASE, 100 * PAGE_SIZE) == 0 && peek(BASE) == 0xdead);
	CHECK(mm_unmap(mm, TOP - 10 * PAGE_SIZE, 10 * PAGE_SIZE) == 0);
	CHECK(mm->rss_pages == 0 && mm->private_pages == 0 && mm->vmas.count == 0);
}

static void test_strings(struct mm *mm)
{
	char buf[16];

	mm_map_anon(mm, BASE, PAGE_SIZE, RW, ANON);
	CHECK(copy_to_user(BASE + PAGE_SIZE - 4, "abcd", 5) == 1);
	CHECK(strncpy_from_user(buf, BASE + PAGE_SIZE - 4, sizeof(buf)) == -EFAULT);
	CHECK(strncpy_from_user(buf, BASE + PAGE_SIZE - 4, 3) == 3);
	CHECK(copy_to_user(BASE + PAGE_SIZE - 4, "abc", 4) == 0);
	CHECK(strncpy_from_user(buf, BASE + PAGE_SIZE - 4, sizeof(buf)) == 3 &&
	      !strcmp(buf, "abc"));
	CHECK(copy_from_user(buf, BASE + PAGE_SIZE - 13, 16) == 3);
	CHECK(clear_user(BASE + PAGE_SIZE - 100, 200) == 100);
	CHECK(cmpxchg_user32(BASE, 0, 5, (uint32_t *)buf) == 0 && buf[0] == 0);
	CHECK(cmpxchg_user32(BASE, 0, 6, (uint32_t *)buf) == 0 && buf[0] == 5 && peek(BASE) == 5);
	CHECK(cmpxchg_user32(BASE + PAGE_SIZE, 0, 6, (uint32_t *)buf) == -EFAULT);
	CHECK(copy_from_user(buf, USER_END - 8, 16) == 16);
	mm_unmap(mm, BASE, PAGE_SIZE);
}

static void test_away(struct mm *mm, struct home *h)
{
	unsigned wrong = 0;
	uint64_t cursor = 0;

	mm_map_anon(mm, BASE, 400 * PAGE_SIZE, RW, ANON);
	CHECK(mm_mark_away(mm, BASE, 200) == 0 && mm->away_pages == 200);
	CHECK(mm_mark_away(mm, BASE + 399 * PAGE_SIZE, 2) == -EINVAL);
	h->asked = h->pages = 0;
	for (uint64_t a = BASE; a < BASE + 400 * PAGE_SIZE; a += PAGE_SIZE / 2)
		wrong += peek(a) != (a < BASE + 200 * PAGE_SIZE ? word_at(a) : 0);
	CHECK(wrong == 0);
	CHECK(mm->away_pages == 0 && h->pages == 200 && h->asked == 13);

	/* In the background, and never twice what is on its way. */
	CHECK(dontneed(mm, BASE, 400 * PAGE_SIZE) == 0 && mm->rss_pages == 0);
	mm_mark_away(mm, BASE, 300);
	home_pause(h, true);
	CHECK(mm_prefetch(mm, &cursor, 64) == 64 && mm_prefetch(mm, &cursor, 512) == 236);
	CHECK(mm_prefetch(mm, &cursor, 512) == 0);
	home_pause(h, false);
	CHECK(peek(BASE + 299 * PAGE_SIZE) == word_at(BASE + 299 * PAGE_SIZE));
	CHECK(mm->away_pages == 0);
	mm_unmap(mm, BASE, 400 * PAGE_SIZE);
}

static int count_run(void *arg, uint64_t addr, uint64_t npages, bool away)
{
	uint64_t *sum = arg;

	(void)addr;
	if (away)
		return -1;
	sum[0]++;
	sum[1] += npages;
	return 0;
}

static void test_remap(struct mm *mm, struct home *h)
{
	const uint64_t other = BASE + 0x1000000;
	uint64_t buf[512], runs[2] = { 0 }, cursor = 0;

	mm_map_anon(mm, BASE, 20 * PAGE_SIZE, RW, ANON);
	mm_map_anon(mm, other, 20 * PAGE_SIZE, RW, ANON);
	mm_mark_away(mm, BASE, 20);
	put_user64(other, 5);
	mm_mark_away(mm, other, 20);
	CHECK(mm->away_pages == 39); /* what was written is not away */

	/* BASE is on its way when something else, also away, takes its place. */
	home_pause(h, true);
	CHECK(mm_prefetch(mm, &cursor, 20) == 20);
	CHECK(remap(mm, other, 20 * PAGE_SIZE, 20 * PAGE_SIZE, MM_MREMAP_MAYMOVE | MM_MREMAP_FIXED,
		    BASE) == (long)BASE);
	home_pause(h, false);
	wait_event(&mm->event_wq, list_empty(&mm->fetches));
	CHECK(mm->away_pages == 19); /* nothing of the old was installed */
	CHECK(peek(BASE) == 5 && peek(other) == 0xdead);

	/* Grown in place, then moved because something is in the way. */
	CHECK(remap(mm, BASE, 20 * PAGE_SIZE, 30 * PAGE_SIZE, 0, 0) == (long)BASE);
	mm_map_anon(mm, BASE + 30 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MM_MAP_FIXED);
	CHECK(mm_unmap(mm, BASE + 29 * PAGE_SIZE, PAGE_SIZE) == 0);
	CHECK(mm_protect(mm, BASE + 30 * PAGE_SIZE, PAGE_SIZE, WVMA_READ) == 0);
	CHECK(remap(mm, BASE, 29 * PAGE_SIZE, 40 * PAGE_SIZE, 0, 0) == -ENOMEM);
	CHECK(remap(mm, BASE, 29 * PAGE_SIZE, 40 * PAGE_SIZE, MM_MREMAP_MAYMOVE, 0) ==
	      (long)(TOP - 40 * PAGE_SIZE));
	CHECK(peek(TOP - 40 * PAGE_SIZE) == 5 && peek(BASE) == 0xdead && mm->away_pages == 19);
	CHECK(remap(mm, TOP - 40 * PAGE_SIZE, 40 * PAGE_SIZE, PAGE_SIZE, 0, 0) ==
	      (long)(TOP - 40 * PAGE_SIZE));
	CHECK(mm->away_pages == 0);

	CHECK(mm_collect(mm, count_run, runs) == 0 && runs[0] == 1 && runs[1] == 1);
	CHECK(mm_read_page(mm, TOP - 40 * PAGE_SIZE, buf) == WPAGE_RAW && buf[0] == 5);
	put_user64(TOP - 40 * PAGE_SIZE, 0);
	CHECK(mm_read_page(mm, TOP - 40 * PAGE_SIZE, buf) == WPAGE_ZERO);
	CHECK(mm_read_page(mm, BASE, buf) == WPAGE_NONE);
	mm_unmap(mm, BASE, TOP - BASE);
	CHECK(mm->vmas.count == 0);
}

static void test_file(struct mm *mm, struct home *h)
{
	struct cfile *file = open_file();
	struct mm *other;
	struct page *page;
	unsigned wrong = 0;

	h->asked = 0;
	CHECK(mm_map_file(mm, FILE_BASE, 60 * PAGE_SIZE, RW, MM_MAP_PRIVATE, file, 0) ==
	      (long)FILE_BASE);
	for (uint64_t a = FILE_BASE; a < FILE_BASE + FILE_PAGES * PAGE_SIZE; a += PAGE_SIZE)
		wrong += peek(a + 16) != word_at(a + 16);
	CHECK(wrong == 0 && h->asked == 4 && mm->private_pages == 0);
	CHECK(peek(FILE_BASE + FILE_PAGES * PAGE_SIZE) == 0xdead);
	CHECK(fault_of(mm, FILE_BASE + FILE_PAGES * PAGE_SIZE, MM_READ) == 72);
	CHECK(put_user64(FILE_BASE, 1) == 0 && peek(FILE_BASE) == 1 && mm->private_pages == 1);
	CHECK(put_user64(FILE_BASE + PAGE_SIZE, 2) == 0 &&
	      peek(FILE_BASE + PAGE_SIZE + 8) == word_at(FILE_BASE + PAGE_SIZE + 8));

	/* The cache keeps the file's own content, for all. */
	CHECK(filecache_lookup(file, 0, &page) == CPAGE_PRESENT);
	CHECK(*(uint64_t *)page_virt(page) == word_at(FILE_BASE));
	page_put(page);
	other = mm_create();
	mm_map_file(other, BASE, FILE_PAGES * PAGE_SIZE, WVMA_READ, MM_MAP_PRIVATE, file, 0);
	put_on(other);
	CHECK(peek(BASE + PAGE_SIZE) == word_at(FILE_BASE + PAGE_SIZE));
	CHECK(other->rss_pages == MM_FAULT_WINDOW && h->asked == 4);
	put_on(mm);
	mm_put(other);
	CHECK(dontneed(mm, FILE_BASE, PAGE_SIZE) == 0);
	CHECK(peek(FILE_BASE) == word_at(FILE_BASE));
	mm_unmap(mm, FILE_BASE, 60 * PAGE_SIZE);
	cfile_put(file);
	CHECK(filecache_shrink(1000) >= FILE_PAGES);
}

static void test_fork(struct mm *mm)
{
	struct mm *child = NULL;

	mm_map_anon(mm, BASE, 30 * PAGE_SIZE, RW, ANON);
	for (uint64_t a = BASE; a < BASE + 10 * PAGE_SIZE; a += PAGE_SIZE)
		put_user64(a, a);
	mm_mark_away(mm, BASE + 10 * PAGE_SIZE, 10);
	CHECK(mm_fork(mm, &child) == 0 && child->away_pages == 10 && child->private_pages == 10);
	put_user64(BASE, 1);
	put_on(child);
	CHECK(peek(BASE) == BASE);
	put_user64(BASE + PAGE_SIZE, 2);
	put_on(mm);
	CHECK(peek(BASE) == 1 && peek(BASE + PAGE_SIZE) == BASE + PAGE_SIZE);
	CHECK(peek(BASE + 10 * PAGE_SIZE) == word_at(BASE + 10 * PAGE_SIZE));
	mm_put(child);
	CHECK(put_user64(BASE + 5 * PAGE_SIZE, 9) == 0 && mm->private_pages == 15);
	mm_unmap(mm, BASE, 30 * PAGE_SIZE);
}

static void test_stack_and_brk(struct mm *mm, struct home *h)
{
	struct wire_vma v = { TOP + 0x1000000, TOP + 0x1002000, 0, RW | WVMA_GROWSDOWN,
			      WVMA_NO_FILE };

	mm->rlim_stack = 100 * PAGE_SIZE;
	CHECK(mm_image_vma(mm, &v, NULL) == 0 && mm_image_vma(mm, &v, NULL) == -EINVAL);
	CHECK(put_user64(v.start - 5 * PAGE_SIZE + 8, 3) == 0 &&
	      h->grown == v.start - 5 * PAGE_SIZE);
	CHECK(fault_of(mm, v.end - 101 * PAGE_SIZE, MM_WRITE) == 111);
	CHECK(fault_of(mm, v.end - 100 * PAGE_SIZE, MM_WRITE) == 0);

	mm->brk_start = mm->brk = BASE + 100;
	CHECK(mm_brk(mm, 0) == (long)BASE + 100);
	CHECK(mm_brk(mm, BASE + 5000) == (long)BASE + 5000);
	CHECK(put_user64(BASE + 5000, 1) == 0 && put_user64(BASE + 9000, 1) == -EFAULT);
	mm_map_anon(mm, BASE + 0x10000, PAGE_SIZE, RW, ANON | MM_MAP_FIXED);
	CHECK(mm_brk(mm, BASE + 0x10000) == (long)BASE + 5000);
	CHECK(mm_brk(mm, BASE + 0xf000) == (long)BASE + 0xf000);
	CHECK(mm_brk(mm, BASE + 100) == (long)BASE + 100);

	v = (struct wire_vma){ BASE + 0x20000, BASE + 0x21000, 0, WVMA_READ | WVMA_RESERVED,
			       WVMA_NO_FILE };
	CHECK(mm_image_vma(mm, &v, NULL) == 0);
	CHECK(fault_of(mm, BASE + 0x20000, MM_READ) == -EREMOTE);
	CHECK(mm_unmap(mm, BASE + 0x10000, 0x20000) == MM_NOT_SERVED);
	CHECK(mm_protect(mm, BASE + 0x20000, 0x1000, RW) == MM_NOT_SERVED);
}

/* --- several threads ------------------------------------------------------------------------- */

struct crowd {
	struct mm *mm;
	struct waitq wq;
	uint32_t running;
	bool stop;
	uint32_t wrong;
};

/*
 * Lets threads of lower priority run too: what the scheduler thinks of a kernel thread with an
 * address space is not what it thinks of a guest's.
 */
static void nap(void)
{
	sleep_until(clock_now_ns() + NSEC_PER_MSEC);
}

/* Each writes increasing numbers to a page of its own and finds them there, unless it may not. */
static void crowd_main(void *arg)
{
	struct crowd *c = arg;
	uint64_t id = __atomic_fetch_add(&c->running, 1, __ATOMIC_SEQ_CST), n = 0;
	uint64_t addr = BASE + id * PAGE_SIZE;

	put_on(c->mm);
	while (!c->stop) {
		if (put_user64(addr, ++n) == 0 && peek(addr) != n)
			__atomic_add_fetch(&c->wrong, 1, __ATOMIC_SEQ_CST);
		if (n % 64 == 0)
			thread_yield();
		if (n % 4096 == 0)
			nap();
	}
	put_on(NULL);
	mm_put(c->mm);
	__atomic_sub_fetch(&c->running, 1, __ATOMIC_SEQ_CST);
	waitq_wake_all(&c->wq);
}

/* What was taken away stays as it was: no CPU goes on writing through a forgotten TLB entry. */
static void test_shootdown(struct mm *mm)
{
	static struct crowd c; /* the last of them may still be waking us when we return */
	uint64_t until = clock_now_ns() + 300 * NSEC_PER_MSEC, rounds = 0;
	unsigned n = (unsigned)cpu_count() + 1, changed = 0;
	static uint64_t before[512], after[512];

	c = (struct crowd){ .mm = mm };
	waitq_init(&c.wq);
	mm_map_anon(mm, BASE, 16 * PAGE_SIZE, RW, ANON);
	for (unsigned i = 0; i < n; i++) {
		mm_get(mm);
		kthread_create("selftest-crowd", crowd_main, &c);
	}
	while (c.running < n)
		nap();
	while (clock_now_ns() < until) {
		struct mm *child = NULL;
		uint64_t addr = BASE + rounds % n * PAGE_SIZE;

		if (rounds++ % 2) {
			mm_protect(mm, BASE, n * PAGE_SIZE, WVMA_READ);
			mm_read_page(mm, addr, before);
			nap();
			mm_read_page(mm, addr, after);
			mm_protect(mm, BASE, n * PAGE_SIZE, RW);
		} else {
			mm_fork(mm, &child);
			mm_read_page(child, addr, before);
			nap();
			mm_read_page(child, addr, after);
			mm_put(child);
		}
		changed += memcmp(before, after, sizeof(before)) != 0;
	}
	c.stop = true;
	wait_event(&c.wq, c.running == 0);
	CHECK(rounds > 3 && changed == 0 && c.wrong == 0);
	CHECK(mm_unmap(mm, BASE, 16 * PAGE_SIZE) == 0);
}

/* Threads that fault on the same away pages all get them, and home is asked once. */
static void away_main(void *arg)
{
	struct crowd *c = arg;

	__atomic_fetch_add(&c->running, 1, __ATOMIC_SEQ_CST);
	put_on(c->mm);
	for (uint64_t a = BASE; a < BASE + 200 * PAGE_SIZE; a += PAGE_SIZE)
		if (peek(a) != word_at(a))
			__atomic_add_fetch(&c->wrong, 1, __ATOMIC_SEQ_CST);
	put_on(NULL);
	mm_put(c->mm);
	__atomic_add_fetch(&c->running, 1u << 16, __ATOMIC_SEQ_CST);
	waitq_wake_all(&c->wq);
}

static void test_shared_faults(struct mm *mm, struct home *h)
{
	static struct crowd c;

	c = (struct crowd){ .mm = mm };
	waitq_init(&c.wq);
	mm_map_anon(mm, BASE, 200 * PAGE_SIZE, RW, ANON);
	mm_mark_away(mm, BASE, 200);
	h->pages = 0;
	for (unsigned i = 0; i < 5; i++) {
		mm_get(mm);
		kthread_create("selftest-away", away_main, &c);
	}
	wait_event(&c.wq, c.running >> 16 == 5);
	CHECK(c.wrong == 0 && h->pages == 200 && mm->away_pages == 0);
	mm_unmap(mm, BASE, 200 * PAGE_SIZE);
}

unsigned mm_selftest(void)
{
	struct mm *mm;
	struct home *h;
	uint64_t free_before, free_after;

	zero_page_phys();
	filecache_shrink(SIZE_MAX);
	free_before = mem_free_pages();
	mm = mm_create();
	h = home_start(mm);
	mm->mmap_top = TOP;
	put_on(mm);
	test_anonymous(mm);
	test_strings(mm);
	test_away(mm, h);
	test_remap(mm, h);
	test_file(mm, h);
	test_fork(mm);
	test_shootdown(mm);
	test_shared_faults(mm, h);
	test_stack_and_brk(mm, h);
	put_on(NULL);
	mm_put(mm);
	home_stop(h);
	sleep_until(clock_now_ns() + 50 * NSEC_PER_MSEC); /* the threads' stacks */
	free_after = mem_free_pages();
	/* Slabs of the heap may have grown; guests' pages may not be among what is missing. */
	CHECK(free_before < free_after + 64);
	return failures;
}

#endif
