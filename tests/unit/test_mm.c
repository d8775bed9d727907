/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces against a model that knows only what each page must contain. The machine is
 * played: frames are an array, the TLB remembers what it was shown until it is told to flush, and
 * home is a second model that replays every change of the map in the order of the stream, answers
 * requests for pages from what it has, and is as late as chance wants. Random operations on two
 * address spaces, the second forked from the first, must leave every page with the right content,
 * the counts right, no stale TLB entry, and in the end a process that could go home, and no frame
 * lost.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expr)                                                                               \
	do {                                                                                      \
		if (!(expr)) {                                                                    \
			printf("FAIL %s:%d: %s (seed %llu step %d)\n", __FILE__, __LINE__, #expr, \
			       (unsigned long long)seed, step);                                   \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

static uint64_t seed, rng;
static int step;

static uint32_t rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 24) % n;
}

/* --- the machine, in place of the kernel's headers ------------------------------------------- */

#define KERNEL_MM_PAGE_H
#define KERNEL_MM_KMALLOC_H
#define KERNEL_MM_KMAP_H
#define KERNEL_MM_TLB_H
#define KERNEL_SYNC_SPINLOCK_H
#define KERNEL_SYNC_WAITQ_H
#define KERNEL_SYNC_MUTEX_H
#define KERNEL_CPU_PERCPU_H
#define KERNEL_CPU_FEATURES_H
#define KERNEL_CPU_X86_H
#define KERNEL_PROC_THREAD_H
#define KERNEL_KPRINTF_H

#define KASSERT(expr)	    CHECK(expr)
#define panic(...)	    abort()
#define panic_trap(tf, ...) ((void)(tf), abort())
#define CPU_HAS_NX	    1
#define CPU_HAS_SMAP	    1
#define RFLAGS_AC	    (1ull << 18)

#define PAGE_SHIFT	 12
#define PAGE_SIZE	 4096ul
#define PAGE_MASK	 (~(PAGE_SIZE - 1))
#define PAGE_ALIGN_UP(x) (((uint64_t)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define USER_END	 0x00007ffffffff000ul
#define FRAMES		 6000

struct page {
	uint32_t refcount;
};

static struct page frames[FRAMES];
static uint8_t memory[FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));
static int frames_used, fail_after = -1;

static uint64_t page_phys(const struct page *p)
{
	return (uint64_t)(p - frames) << PAGE_SHIFT;
}

static struct page *phys_page(uint64_t pa)
{
	return &frames[pa >> PAGE_SHIFT];
}

static void *phys_virt(uint64_t pa)
{
	return memory[0] + pa;
}

static void *page_virt(const struct page *p)
{
	return phys_virt(page_phys(p));
}

static struct page *virt_page(const void *va)
{
	return phys_page((uint64_t)((const uint8_t *)va - memory[0]));
}

static struct page *page_alloc(unsigned order)
{
	static int next;

	CHECK(order == 0);
	if (fail_after >= 0 && fail_after-- == 0)
		return NULL;
	for (int i = 0; i < FRAMES; i++) {
		struct page *p = &frames[next = (next + 1) % FRAMES];

		if (p->refcount || next == 0)
			continue;
		p->refcount = 1;
		frames_used++;
		return p;
	}
	return NULL;
}

static struct page *page_alloc_zero(unsigned order)
{
	struct page *p = page_alloc(order);

	if (p)
		memset(page_virt(p), 0, PAGE_SIZE);
	return p;
}

static struct page *page_get(struct page *p)
{
	CHECK(p->refcount);
	p->refcount++;
	return p;
}

static void page_put(struct page *p)
{
	CHECK(p->refcount);
	if (--p->refcount)
		return;
	memset(page_virt(p), 0xdd, PAGE_SIZE);
	frames_used--;
}

static uint32_t page_refs(const struct page *p)
{
	return p->refcount;
}

static uint64_t mem_total_pages(void)
{
	return FRAMES;
}

static uint64_t mem_free_pages(void)
{
	return FRAMES - frames_used;
}

static void kmap_copy_kernel_half(uint64_t *pml4)
{
	(void)pml4;
}

#define kzalloc(n)     calloc(1, n)
#define krealloc(p, n) realloc(p, n)
#define kfree(p)       free(p)

typedef int spinlock_t;
#define SPINLOCK_INIT  0
#define spin_lock(l)   ((void)(l))
#define spin_unlock(l) ((void)(l))

struct waitq {
	int unused;
};
#define WAITQ_INIT(name) \
	{                \
		0        \
	}
#define waitq_init(wq)	   ((void)(wq))
#define waitq_wake_all(wq) ((void)(wq))

/* Whoever waits waits for home. */
static void home_step(void);
#define wait_event(wq, cond)         \
	do {                         \
		while (!(cond))      \
			home_step(); \
	} while (0)

struct mutex {
	bool held;
};

static void mutex_init(struct mutex *m)
{
	m->held = false;
}

static void mutex_lock(struct mutex *m)
{
	CHECK(!m->held);
	m->held = true;
}

static void mutex_unlock(struct mutex *m)
{
	CHECK(m->held);
	m->held = false;
}

static bool mutex_held(const struct mutex *m)
{
	return m->held;
}

struct cpumask {
	int unused;
};

static struct {
	struct mm *mm;
} fake_thread, *current = &fake_thread;

static void invlpg(uint64_t va);

static bool irqs_enabled(void)
{
	return true;
}

struct mm;

struct tlb_batch {
	struct mm *mm;
	uint64_t start, end;
	bool tables;
	unsigned npages;
	struct page *pages[64];
};

static void tlb_begin(struct tlb_batch *batch, struct mm *mm);
static void tlb_flush_range(struct tlb_batch *batch, uint64_t start, uint64_t end);
static void tlb_free_page(struct tlb_batch *batch, struct page *page);
static void tlb_finish(struct tlb_batch *batch);
static void tlb_unload(struct mm *mm);

/* Included, not linked: all this replaces what they would include. */
#include "kernel/mm/vma.c"
#include "kernel/mm/filecache.c"
#include "kernel/mm/pagetable.c"
#include "kernel/mm/mm.c"
#include "kernel/mm/fetch.c"
#include "kernel/mm/collect.c"
#include "kernel/mm/fault.c"
#include "kernel/mm/mmap.c"
#include "kernel/mm/mremap.c"

/* --- the model ------------------------------------------------------------------------------- */

#define N	   200
#define BASE	   (0x10000000ul - 90 * PAGE_SIZE) /* across the edge of a page table */
#define ADDR(i)	   (BASE + (uint64_t)(i)*PAGE_SIZE)
#define FILE_PAGES 60
#define ANON	   (MM_MAP_PRIVATE | MM_MAP_ANONYMOUS)

struct cell {
	bool used, file;
	uint32_t prot;
	int index;	/* in the file */
	uint64_t value; /* its first word */
};

struct side {
	struct mm *mm;
	struct guest_pager pager;
	struct cell cell[N]; /* what the program must see */
	struct cell stub[N]; /* what home has: the same map, later, and without our writes */
	bool dirty[N];	     /* stub: private content, so not the file's own */
	pte_t tlb[2][N];     /* of two CPUs */
};

static struct side sides[2];
static struct cfile *file;

static struct side *side_of(const struct mm *mm)
{
	return mm == sides[0].mm ? &sides[0] : mm == sides[1].mm ? &sides[1] : NULL;
}

static uint64_t file_value(int index)
{
	return index % 5 == 4 ? 0 : 0xf00000000ull + (uint64_t)index;
}

/* --- the TLB --------------------------------------------------------------------------------- */

static struct side *running;
static int cpu;

static void invlpg(uint64_t va)
{
	running->tlb[cpu][(va - BASE) >> PAGE_SHIFT] = 0;
}

static void tlb_begin(struct tlb_batch *batch, struct mm *mm)
{
	*batch = (struct tlb_batch){ .mm = mm, .start = UINT64_MAX };
}

static void tlb_flush_range(struct tlb_batch *batch, uint64_t start, uint64_t end)
{
	batch->start = start < batch->start ? start : batch->start;
	batch->end = end > batch->end ? end : batch->end;
}

static void tlb_free_page(struct tlb_batch *batch, struct page *page)
{
	if (batch->npages == 64)
		tlb_finish(batch);
	batch->pages[batch->npages++] = page;
}

static void tlb_finish(struct tlb_batch *batch)
{
	struct side *s = side_of(batch->mm);

	for (int i = 0; s && i < N; i++)
		if (ADDR(i) >= batch->start && ADDR(i) < batch->end)
			s->tlb[0][i] = s->tlb[1][i] = 0;
	for (unsigned i = 0; i < batch->npages; i++) {
		/* Nobody may still reach a page that is freed. */
		for (int p = 0; s && batch->pages[i]->refcount == 1 && p < 2 * N; p++)
			CHECK(!s->tlb[p / N][p % N] ||
			      pte_page(s->tlb[p / N][p % N]) != batch->pages[i]);
		page_put(batch->pages[i]);
	}
	tlb_begin(batch, batch->mm);
}

static void tlb_unload(struct mm *mm)
{
	struct side *s = side_of(mm);

	if (s)
		memset(s->tlb, 0, sizeof(s->tlb));
}

/* --- home ------------------------------------------------------------------------------------ */

enum event_type { EV_GET, EV_MAP, EV_UNMAP, EV_DONTNEED, EV_MOVE, EV_FORK, EV_DONE };

struct event {
	enum event_type type;
	struct side *side;
	int from, n, to; /* pages */
	bool file;
	int index;
	uint32_t cookie;
	uint64_t value[WIRE_PAGE_GET_MAX]; /* of an answer */
	int done;
};

/* The stream to home, and the one back. */
static struct event *to_node[4096], *to_home[4096];
static int head, tail, ahead, atail;

static struct event *post(enum event_type type, struct side *s, int from, int n)
{
	struct event *e = calloc(1, sizeof(*e));

	e->type = type;
	e->side = s;
	e->from = from;
	e->n = n;
	to_home[tail++ % 4096] = e;
	CHECK(tail - head < 4096);
	return e;
}

static int pager_fetch(struct guest_pager *pager, uint32_t cookie, uint64_t addr, unsigned npages,
		       bool is_file)
{
	struct side *s = side_of(pager->mm);
	struct event *e = post(EV_GET, s, (int)((addr - BASE) / PAGE_SIZE), (int)npages);

	CHECK(addr >= BASE && e->from + e->n <= N);
	e->cookie = cookie;
	e->file = is_file;
	return 0;
}

/* What a new or emptied mapping contains. */
static void fresh(struct side *s, struct cell *cells, int from, int n)
{
	for (int i = from; i < from + n; i++) {
		if (cells[i].used)
			cells[i].value = cells[i].file ? file_value(cells[i].index) : 0;
		if (cells == s->stub)
			s->dirty[i] = false;
	}
}

static void set_map(struct side *s, struct cell *cells, int from, int n, bool is_file, int index,
		    uint32_t prot)
{
	for (int i = 0; i < n; i++)
		cells[from + i] = (struct cell){ true, is_file, prot, is_file ? index + i : 0, 0 };
	fresh(s, cells, from, n);
}

static void home_event(struct event *e)
{
	struct side *s = e->side;

	switch (e->type) {
	case EV_GET:
		for (int i = 0; i < e->n; i++) {
			const struct cell *c = &s->stub[e->from + i];

			/*
			 * Asked for what is there, and for a file only where it is the file's own.
			 */
			CHECK(c->used);
			CHECK(!e->file ||
			      (c->file && !s->dirty[e->from + i] && c->index < FILE_PAGES));
			CHECK(e->file || s->dirty[e->from + i]);
			e->value[i] = c->value;
		}
		to_node[atail++ % 4096] = e;
		return;
	case EV_MAP:
		set_map(s, s->stub, e->from, e->n, e->file, e->index, 0);
		break;
	case EV_UNMAP:
		for (int i = e->from; i < e->from + e->n; i++) {
			s->stub[i] = (struct cell){ 0 };
			s->dirty[i] = false;
		}
		break;
	case EV_DONTNEED:
		fresh(s, s->stub, e->from, e->n);
		break;
	case EV_MOVE:
		for (int i = 0; i < e->n; i++) {
			s->stub[e->to + i] = s->stub[e->from + i];
			s->dirty[e->to + i] = s->dirty[e->from + i];
			s->stub[e->from + i] = (struct cell){ 0 };
			s->dirty[e->from + i] = false;
		}
		break;
	case EV_DONE:
		fresh(s, s->stub, 0, N);
		break;
	case EV_FORK:
		memcpy(sides[1].stub, sides[0].stub, sizeof(sides[0].stub));
		memcpy(sides[1].dirty, sides[0].dirty, sizeof(sides[0].dirty));
		break;
	}
	free(e);
}

/* Part of an answer arrives. */
static void home_deliver(void)
{
	static uint64_t data[WIRE_PAGES_MAX][PAGE_SIZE / 8];
	struct event *e = to_node[ahead % 4096];
	uint8_t kinds[WIRE_PAGES_MAX];
	int n = e->n - e->done, raw = 0;

	if (n > (int)WIRE_PAGES_MAX)
		n = WIRE_PAGES_MAX;
	if (n > 1 && rnd(3) == 0)
		n = 1 + (int)rnd((uint32_t)n);
	for (int i = 0; i < n; i++) {
		uint64_t v = e->value[e->done + i];

		kinds[i] = v || rnd(2) ? WPAGE_RAW : WPAGE_ZERO;
		if (kinds[i] == WPAGE_RAW) {
			memset(data[raw], 0, PAGE_SIZE);
			data[raw++][0] = v;
		}
	}
	CHECK(mm_install(e->side->mm, e->cookie, ADDR(e->from + e->done), (unsigned)n, kinds,
			 data) == 0);
	e->done += n;
	if (e->done == e->n) {
		mm_fetch_done(e->side->mm, e->cookie);
		ahead++;
		free(e);
	}
}

static void home_step(void)
{
	bool events = head != tail, answers = ahead != atail;

	CHECK(events || answers); /* else somebody waits for nothing */
	if (events && (!answers || rnd(2)))
		home_event(to_home[head++ % 4096]);
	else
		home_deliver();
}

static void home_settle(void)
{
	while (head != tail || ahead != atail)
		home_step();
}

bool user_thread_killed(void)
{
	return false;
}

void user_fault_signal(struct trapframe *tf, int signo, int code, uint64_t addr)
{
	(void)tf, (void)signo, (void)code, (void)addr;
}

void user_out_of_memory(struct trapframe *tf)
{
	(void)tf;
}

void user_fault_remote(struct trapframe *tf, uint64_t addr)
{
	(void)tf, (void)addr;
}

/* Enough to go on with after an allocation was made to fail. */
bool guest_memory_pressure(void)
{
	fail_after = -1;
	return true;
}

/* The node needs nothing from home any more: home drops its pages. */
static void maybe_done(struct side *s)
{
	if (s->mm && !s->mm->away_pages && rnd(2))
		post(EV_DONE, s, 0, 0);
}

/* --- operations ------------------------------------------------------------------------------ */

/* One access by the program, as the CPU does it. */
static void access_page(struct side *s, int i, bool write)
{
	const struct cell *c = &s->cell[i];
	struct fault_info info = { 0 };
	int want = 0, got = 0;

	if (!c->used)
		want = 111;
	else if (write ? !(c->prot & WVMA_WRITE) : !c->prot)
		want = 112;
	else if (c->file && c->index >= FILE_PAGES)
		want = 72;
	pte_t *tlb;

	running = s;
	cpu = (int)rnd(2);
	tlb = &s->tlb[cpu][i];
	for (int tries = 0;; tries++) {
		const pte_t *pte = pt_find(s->mm->root, ADDR(i));

		if (!*tlb && pte && (*pte & PTE_PRESENT))
			*tlb = *pte;
		if (*tlb && (!write || (*tlb & PTE_WRITE)))
			break;
		CHECK(tries < 50);
		got = mm_fault(s->mm, ADDR(i) + rnd(4096), write ? MM_WRITE : MM_READ, &info);
		if (got == -EFAULT)
			got = info.signo * 10 + info.code;
		if (got)
			break;
	}
	CHECK(got == want);
	if (!got) {
		uint64_t *word = page_virt(pte_page(*tlb));

		CHECK(*word == c->value);
		if (write)
			*word = s->cell[i].value = rnd(4) ? rng : 0;
	}
}

/* What others do between a change of the map and the message about it. */
static void meanwhile(struct side *s)
{
	uint64_t cursor = ADDR(rnd(N));

	while (rnd(2))
		mm_prefetch(s->mm, &cursor, 1 + rnd(20));
	while (rnd(2) && (head != tail || ahead != atail))
		home_step();
}

static void op_map(struct side *s, int from, int n)
{
	uint32_t prot = rnd(3) ? 3 : rnd(8);
	bool is_file = rnd(2);
	int index = (int)rnd(FILE_PAGES + 5);
	struct event *e;
	bool free_there = vma_range_free(&s->mm->vmas, ADDR(from), ADDR(from + n));
	long got;

	if (is_file) {
		mm_hold(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE);
		e = post(EV_MAP, s, from, n);
		e->file = true;
		e->index = index;
		while (head != tail)
			home_step();
		got = mm_map_file(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE, prot, MM_MAP_PRIVATE,
				  file, (uint64_t)index * PAGE_SIZE);
		mm_release(s->mm);
		CHECK(got == (long)ADDR(from));
	} else {
		uint32_t how = rnd(3);

		got = mm_map_anon(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE - rnd(4096), prot,
				  ANON | (how == 0   ? MM_MAP_FIXED_NOREPLACE
					  : how == 1 ? MM_MAP_FIXED
						     : 0));
		if (how == 0 && !free_there) {
			CHECK(got == -EEXIST);
			return;
		}
		CHECK(got > 0 && (got == (long)ADDR(from) || (how == 2 && !free_there)));
		if (got < (long)BASE) {
			/* Beyond the model's world. */
			CHECK(mm_unmap(s->mm, (uint64_t)got, (uint64_t)n * PAGE_SIZE) == 0);
			return;
		}
		from = (int)(((uint64_t)got - BASE) / PAGE_SIZE);
		post(EV_MAP, s, from, n);
	}
	set_map(s, s->cell, from, n, is_file, index, prot);
}

static void op_unmap(struct side *s, int from, int n)
{
	CHECK(mm_unmap(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE) == 0);
	post(EV_UNMAP, s, from, n);
	for (int i = from; i < from + n; i++)
		s->cell[i] = (struct cell){ 0 };
}

static int used_from(const struct side *s, int from, int n)
{
	int i = from;

	while (i < from + n && s->cell[i].used)
		i++;
	return i - from;
}

static void op_protect(struct side *s, int from, int n)
{
	uint32_t prot = rnd(2) ? 3 : rnd(8);
	int used = used_from(s, from, n);

	CHECK(mm_protect(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE, prot) ==
	      (used == n ? 0 : -ENOMEM));
	for (int i = from; i < from + used; i++)
		s->cell[i].prot = prot;
}

static void op_dontneed(struct side *s, int from, int n)
{
	CHECK(mm_advise_dontneed(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE, false) ==
	      (used_from(s, from, n) == n ? 0 : -ENOMEM));
	meanwhile(s);
	post(EV_DONTNEED, s, from, n);
	mm_release(s->mm);
	fresh(s, s->cell, from, n);
}

/* Moves n pages that are one mapping somewhere else, growing by grow. */
static void op_remap(struct side *s, int from, int n, int to, int grow)
{
	struct event *e;
	int new_n;

	for (int i = 1; i < n; i++)
		if (!s->cell[from + i].used || s->cell[from + i].file != s->cell[from].file ||
		    s->cell[from + i].prot != s->cell[from].prot ||
		    (s->cell[from].file && s->cell[from + i].index != s->cell[from].index + i))
			n = i;
	if (!s->cell[from].used) {
		CHECK(mm_remap(s->mm, ADDR(from), PAGE_SIZE, PAGE_SIZE, 1, 0) == -EFAULT);
		return;
	}
	new_n = n + grow > N - to ? N - to : n + grow;
	if (new_n < 1)
		return;
	if (from + n > to && to + new_n > from) {
		CHECK(mm_remap(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE,
			       (uint64_t)new_n * PAGE_SIZE, 3, ADDR(to)) == -EINVAL);
		return;
	}
	CHECK(mm_remap(s->mm, ADDR(from), (uint64_t)n * PAGE_SIZE, (uint64_t)new_n * PAGE_SIZE, 3,
		       ADDR(to)) == (long)ADDR(to));
	meanwhile(s);
	post(EV_UNMAP, s, to, new_n);
	e = post(EV_MAP, s, to, new_n);
	e->file = s->cell[from].file;
	e->index = s->cell[from].index;
	set_map(s, s->cell, to, new_n, s->cell[from].file, s->cell[from].index, s->cell[from].prot);
	e = post(EV_MOVE, s, from, n < new_n ? n : new_n);
	e->to = to;
	post(EV_UNMAP, s, from, n);
	mm_release(s->mm);
	for (int i = 0; i < n; i++) {
		if (i < new_n)
			s->cell[to + i] = s->cell[from + i];
		s->cell[from + i] = (struct cell){ 0 };
	}
}

static void op_fork(void)
{
	struct side *child = &sides[1];

	home_settle();
	if (child->mm)
		mm_put(child->mm);
	child->mm = NULL;
	CHECK(mm_fork(sides[0].mm, &child->mm) == 0);
	memset(child->tlb, 0, sizeof(child->tlb));
	memcpy(child->cell, sides[0].cell, sizeof(child->cell));
	meanwhile(&sides[0]);
	if (rnd(3) == 0) {
		uint64_t cursor = 0;

		while (mm_prefetch(sides[0].mm, &cursor, 512))
			;
		home_settle();
	}
	maybe_done(&sides[0]);
	post(EV_FORK, child, 0, 0);
	while (head != tail)
		home_step();
	mm_fork_settle(sides[0].mm, child->mm);
	child->pager = (struct guest_pager){ .mm = child->mm, .fetch = pager_fetch };
	child->mm->pager = &child->pager;
}

/* --- checks ---------------------------------------------------------------------------------- */

struct counts {
	uint64_t rss, private, away;
};

static int count_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct counts *c = arg;

	(void)addr;
	c->rss += pte_has_page(*pte) && !(*pte & PTE_ZERO);
	c->private += pte_is_private(*pte);
	c->away += !!(*pte & PTE_AWAY);
	return 0;
}

static void check_side(struct side *s)
{
	struct counts c = { 0 };

	pt_walk(s->mm->root, 0, USER_END, count_one, &c);
	CHECK(c.rss == s->mm->rss_pages && c.private == s->mm->private_pages);
	CHECK(c.away == s->mm->away_pages);
	for (int i = 0; i < N; i++) {
		const pte_t *pte = pt_find(s->mm->root, ADDR(i));
		const struct vma *v = vma_at(&s->mm->vmas, ADDR(i));

		CHECK(!!v == s->cell[i].used && (!v || (v->flags & VMA_PROT) == s->cell[i].prot));
		for (int k = 0; k < 2; k++) {
			pte_t seen = s->tlb[k][i];

			/* What the TLB allows, the tables allow. */
			CHECK(!seen ||
			      (pte && (*pte & PTE_PRESENT) && pte_page(*pte) == pte_page(seen)));
			CHECK(!(seen & PTE_WRITE) || (*pte & PTE_WRITE));
			CHECK(!seen || (seen & PTE_NX) || !(*pte & PTE_NX));
		}
	}
}

/* Which pages go home, and which stayed there. */
struct marks {
	bool ours[N], away[N];
};

static int mark_run(void *arg, uint64_t addr, uint64_t npages, bool away)
{
	struct marks *m = arg;
	bool *mark = &(away ? m->away : m->ours)[(addr - BASE) / PAGE_SIZE];

	CHECK(npages > 0);
	for (uint64_t i = 0; i < npages; i++) {
		CHECK(!mark[i]);
		mark[i] = true;
	}
	return 0;
}

/* The process at home, rebuilt from its own pages and ours, has what it must have. */
static void check_way_home(struct side *s)
{
	struct marks m = { 0 };
	const bool *ours = m.ours, *away = m.away;
	uint64_t buf[PAGE_SIZE / 8];

	CHECK(mm_collect(s->mm, mark_run, &m) == 0);
	for (int i = 0; i < N; i++) {
		uint64_t value = s->cell[i].file ? file_value(s->cell[i].index) : 0;

		CHECK(!(ours[i] && away[i]));
		if (!s->cell[i].used || (s->cell[i].file && s->cell[i].index >= FILE_PAGES))
			continue;
		if (ours[i]) {
			enum wire_page_kind kind = mm_read_page(s->mm, ADDR(i), buf);

			CHECK(kind == WPAGE_RAW || kind == WPAGE_ZERO);
			value = kind == WPAGE_RAW ? buf[0] : 0;
		} else if (away[i]) {
			value = s->stub[i].value;
		}
		CHECK(value == s->cell[i].value);
	}
}

static void begin(void)
{
	static const uint8_t home_id[16] = { 7 };
	const struct wire_file id = { .ino = seed, .size = FILE_PAGES * PAGE_SIZE - 100 };
	struct side *s = &sides[0];

	rng = seed * 0x9e3779b97f4a7c15ull + 1;
	memset(sides, 0, sizeof(sides));
	file = filecache_open(home_id, &id);
	s->mm = mm_create();
	s->pager = (struct guest_pager){ .mm = s->mm, .fetch = pager_fetch };
	s->mm->pager = &s->pager;
	s->mm->mmap_top = ADDR(N);
	for (int k = 0; k < 25; k++)
		op_map(s, (int)rnd(N - 20), 1 + (int)rnd(20));
	home_settle();
	/* What the program wrote while it was at home. */
	for (int i = 0; i < N; i++) {
		if (!s->cell[i].used || rnd(3) == 0 ||
		    (s->cell[i].file && s->cell[i].index >= FILE_PAGES))
			continue;
		CHECK(mm_mark_away(s->mm, ADDR(i), 1) == 0);
		s->dirty[i] = true;
		s->stub[i].value = s->cell[i].value = rnd(5) ? rng : 0;
	}
}

static void random_operations(int steps)
{
	uint64_t cursor = 0;

	begin();
	for (step = 0; step < steps; step++) {
		struct side *s = &sides[sides[1].mm ? rnd(2) : 0];
		int from = (int)rnd(N), n = 1 + (int)rnd(rnd(4) ? 8 : 60);

		if (n > N - from)
			n = N - from;
		if (rnd(10) == 0)
			fail_after = (int)rnd(4);
		/* Some begin with much moving about while almost everything is away. */
		switch (seed % 2 && step < 200 ? 6 + rnd(4) : rnd(24)) {
		case 0:
		case 1:
			fail_after = -1;
			op_map(s, from, n);
			break;
		case 2:
			op_unmap(s, from, n);
			break;
		case 3:
		case 4:
			op_protect(s, from, n);
			break;
		case 5:
			op_dontneed(s, from, n);
			break;
		case 6:
		case 7:
			fail_after = -1;
			op_remap(s, from, n, (int)rnd(N), (int)rnd(8) - 3);
			break;
		case 8:
			mm_prefetch(s->mm, &cursor, 1 + rnd(40));
			break;
		case 9:
			fail_after = -1;
			if ((step > 200 || seed % 4 == 0) && rnd(6) == 0)
				op_fork();
			break;
		case 10:
			filecache_shrink(rnd(30));
			break;
		case 11:
		case 12:
		case 13:
			if (head != tail || ahead != atail)
				home_step();
			break;
		default:
			for (int k = 0; k < 4; k++)
				access_page(s, from < N - 4 ? from + k : from, rnd(2));
		}
		fail_after = -1;
		maybe_done(&sides[rnd(2)]);
		check_side(&sides[0]);
		if (sides[1].mm)
			check_side(&sides[1]);
		if (rnd(40) == 0) {
			while (head != tail)
				home_step();
			check_way_home(s);
		}
	}
	home_settle();
	for (int k = 0; k < 2; k++) {
		if (!sides[k].mm)
			continue;
		check_way_home(&sides[k]);
		for (int i = 0; i < N; i++)
			access_page(&sides[k], i, false);
		home_settle();
		mm_put(sides[k].mm);
		sides[k].mm = NULL;
	}
	cfile_put(file);
	filecache_shrink(SIZE_MAX);
	CHECK(frames_used == 1); /* the page of zeros */
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 0) : 60;

	for (seed = 1; seed <= seeds; seed++)
		random_operations(1500);
	printf("test_mm: ok\n");
	return 0;
}
