/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Size-class slabs of one page each. All bookkeeping is in struct page: `private` holds the offset
 * of the first free object and the number in use; a free object's first two bytes hold the offset
 * of the next. Pages with something free are on their class's list; one wholly free page per class
 * is kept, the others go back.
 *
 * With CONFIG_SELFTEST free objects are filled with a pattern that is checked when they are given
 * out again, which finds writes after free and double frees.
 */
#include "kernel/mm/kmalloc.h"

#include <stdbool.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/sync/spinlock.h"

#define POISON 0xdd
#define NO_OBJECT 0xffffu

static const uint16_t class_size[] = { 16,  32,	 48,  64,  96,	128,  192,
				       256, 384, 512, 768, 1024, 1344, 2048 };
#define CLASSES (sizeof(class_size) / sizeof(class_size[0]))
#define SMALL_MAX 2048

struct slab_class {
	spinlock_t lock;
	struct list_head partial; /* pages with at least one free object */
	unsigned empty_pages;	  /* of those, wholly free */
};

static struct slab_class classes[CLASSES];
static bool ready;
static spinlock_t ready_lock = SPINLOCK_INIT;
static uint64_t pages_held;

static unsigned free_head(const struct page *p)
{
	return p->private & 0xffff;
}

static unsigned in_use(const struct page *p)
{
	return p->private >> 16;
}

static void slab_set(struct page *p, unsigned head, unsigned used)
{
	p->private = (uint64_t)used << 16 | head;
}

static uint16_t *next_of(struct page *p, unsigned offset)
{
	return (uint16_t *)((char *)page_virt(p) + offset);
}

/* Under ready_lock: the classes' lists cannot be initialised statically. */
static void classes_init(void)
{
	unsigned long flags = spin_lock_irqsave(&ready_lock);

	if (!ready) {
		for (unsigned c = 0; c < CLASSES; c++)
			list_init(&classes[c].partial);
		__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&ready_lock, flags);
}

static unsigned class_of(size_t size)
{
	unsigned c = 0;

	while (class_size[c] < size)
		c++;
	return c;
}

#ifdef CONFIG_SELFTEST
static void poison_fill(void *object, size_t size)
{
	memset((char *)object + 2, POISON, size - 2);
}

static bool poison_intact(const void *object, size_t size)
{
	const uint8_t *b = object;

	for (size_t i = 2; i < size; i++)
		if (b[i] != POISON)
			return false;
	return true;
}

/* Under the class's lock. */
static void check_double_free(struct page *p, unsigned offset, size_t size)
{
	if (!poison_intact((char *)page_virt(p) + offset, size))
		return;
	for (unsigned o = free_head(p); o != NO_OBJECT; o = *next_of(p, o))
		if (o == offset)
			panic("kfree: %lx freed twice", (uint64_t)page_virt(p) + offset);
}
#endif

static struct page *slab_new(unsigned c)
{
	struct page *p = page_alloc(0);
	unsigned size = class_size[c];
	unsigned count = PAGE_SIZE / size;

	if (p == NULL)
		return NULL;
	p->flags = PAGE_SLAB;
	p->slab_class = c;
	list_init(&p->link);
	for (unsigned i = 0; i < count; i++) {
		*next_of(p, i * size) = i + 1 < count ? (i + 1) * size : NO_OBJECT;
#ifdef CONFIG_SELFTEST
		poison_fill(next_of(p, i * size), size);
#endif
	}
	slab_set(p, 0, 0);
	__atomic_add_fetch(&pages_held, 1, __ATOMIC_RELAXED);
	return p;
}

static void *small_alloc(size_t size)
{
	unsigned c = class_of(size);
	struct slab_class *cl = &classes[c];
	unsigned long flags;
	struct page *p;
	unsigned offset;

	flags = spin_lock_irqsave(&cl->lock);
	if (list_empty(&cl->partial)) {
		p = slab_new(c);
		if (p == NULL) {
			spin_unlock_irqrestore(&cl->lock, flags);
			return NULL;
		}
		list_add(&p->link, &cl->partial);
		cl->empty_pages++;
	}
	p = list_first_entry(&cl->partial, struct page, link);
	offset = free_head(p);
	if (in_use(p) == 0)
		cl->empty_pages--;
#ifdef CONFIG_SELFTEST
	if (!poison_intact(next_of(p, offset), class_size[c]))
		panic("kmalloc: %lx was written to after it was freed",
		      (uint64_t)page_virt(p) + offset);
#endif
	slab_set(p, *next_of(p, offset), in_use(p) + 1);
	if (free_head(p) == NO_OBJECT)
		list_del(&p->link);
	spin_unlock_irqrestore(&cl->lock, flags);
	return (char *)page_virt(p) + offset;
}

static void small_free(struct page *p, void *object)
{
	unsigned c = p->slab_class;
	struct slab_class *cl = &classes[c];
	unsigned offset = (uint64_t)object & (PAGE_SIZE - 1);
	struct page *release = NULL;
	unsigned long flags;

	if (offset % class_size[c] != 0)
		panic("kfree: %lx is not the start of an object of %u bytes", (uint64_t)object,
		      class_size[c]);
	flags = spin_lock_irqsave(&cl->lock);
#ifdef CONFIG_SELFTEST
	check_double_free(p, offset, class_size[c]);
	poison_fill(object, class_size[c]);
#endif
	if (in_use(p) == 0)
		panic("kfree: %lx freed twice", (uint64_t)object);
	if (free_head(p) == NO_OBJECT)
		list_add(&p->link, &cl->partial);
	*next_of(p, offset) = free_head(p);
	slab_set(p, offset, in_use(p) - 1);
	if (in_use(p) == 0) {
		if (cl->empty_pages > 0) {
			list_del(&p->link);
			release = p;
		} else {
			cl->empty_pages++;
		}
	}
	spin_unlock_irqrestore(&cl->lock, flags);
	if (release) {
		__atomic_sub_fetch(&pages_held, 1, __ATOMIC_RELAXED);
		release->flags = 0;
		page_free(release, 0);
	}
}

static void *large_alloc(size_t size)
{
	unsigned order = 0;
	struct page *p;

	while (order <= PAGE_MAX_ORDER && PAGE_SIZE << order < size)
		order++;
	if (order > PAGE_MAX_ORDER)
		return NULL;
	p = page_alloc(order);
	if (p == NULL)
		return NULL;
	p->flags = PAGE_LARGE;
	__atomic_add_fetch(&pages_held, 1ul << order, __ATOMIC_RELAXED);
	return page_virt(p);
}

void *kmalloc(size_t size)
{
	if (__builtin_expect(!__atomic_load_n(&ready, __ATOMIC_ACQUIRE), 0))
		classes_init();
	return size <= SMALL_MAX ? small_alloc(size) : large_alloc(size);
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

static struct page *heap_page(const void *p)
{
	struct page *page = (uint64_t)p >= DIRECT_MAP ? virt_page(p) : NULL;

	if (page == NULL || !(page->flags & (PAGE_SLAB | PAGE_LARGE)))
		panic("kfree: %lx is not from kmalloc, or was freed", (uint64_t)p);
	return page;
}

size_t ksize(const void *p)
{
	const struct page *page = heap_page(p);

	return page->flags & PAGE_SLAB ? class_size[page->slab_class] : PAGE_SIZE << page->order;
}

void *krealloc(void *p, size_t size)
{
	size_t old;
	void *q;

	if (p == NULL)
		return kmalloc(size);
	if (size == 0) {
		kfree(p);
		return NULL;
	}
	old = ksize(p);
	/* Stay while it fits and does not waste more than half. */
	if (size <= old && (old <= 64 || size > old / 2))
		return p;
	q = kmalloc(size);
	if (q == NULL)
		return size <= old ? p : NULL;
	memcpy(q, p, size < old ? size : old);
	kfree(p);
	return q;
}

void kfree(void *p)
{
	struct page *page;

	if (p == NULL)
		return;
	page = heap_page(p);
	if (page->flags & PAGE_SLAB) {
		small_free(page, p);
		return;
	}
	if ((uint64_t)p & (PAGE_SIZE - 1))
		panic("kfree: %lx is inside a block", (uint64_t)p);
	__atomic_sub_fetch(&pages_held, 1ul << page->order, __ATOMIC_RELAXED);
	page->flags = 0;
	page_free(page, page->order);
}

uint64_t kmalloc_pages(void)
{
	return __atomic_load_n(&pages_held, __ATOMIC_RELAXED);
}
