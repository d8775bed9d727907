/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an address space must go home, and reading it page by page. */
#include <errno.h>
#include <string.h>

#include "kernel/mm/internal.h"

struct collect {
	bool away;	     /* which of the two kinds is wanted */
	uint64_t start, end; /* the run so far */
	int (*fn)(void *arg, uint64_t addr, uint64_t npages);
	void *arg;
};

static int collect_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct collect *c = arg;
	int result = 0;

	if (!(c->away ? !!(*pte & PTE_AWAY) : pte_is_private(*pte)))
		return 0;
	if (addr != c->end) {
		if (c->end > c->start)
			result = c->fn(c->arg, c->start, (c->end - c->start) / PAGE_SIZE);
		c->start = addr;
	}
	c->end = addr + PAGE_SIZE;
	return result;
}

static int collect(struct mm *mm, struct collect *c)
{
	int result;

	mutex_lock(&mm->lock);
	result = pt_walk(mm->root, 0, USER_END, collect_one, c);
	if (!result && c->end > c->start)
		result = c->fn(c->arg, c->start, (c->end - c->start) / PAGE_SIZE);
	mutex_unlock(&mm->lock);
	return result;
}

int mm_collect(struct mm *mm, int (*fn)(void *arg, uint64_t addr, uint64_t npages), void *arg)
{
	struct collect c = { .fn = fn, .arg = arg };

	return collect(mm, &c);
}

int mm_collect_away(struct mm *mm, int (*fn)(void *arg, uint64_t addr, uint64_t npages), void *arg)
{
	struct collect c = { .away = true, .fn = fn, .arg = arg };

	return collect(mm, &c);
}

static bool all_zero(const uint64_t *words)
{
	for (size_t i = 0; i < PAGE_SIZE / sizeof(*words); i++)
		if (words[i])
			return false;
	return true;
}

enum wire_page_kind mm_read_page(struct mm *mm, uint64_t addr, void *buf)
{
	enum wire_page_kind kind = WPAGE_NONE;
	const pte_t *pte;

	if (addr >= USER_END)
		return WPAGE_NONE;
	mutex_lock(&mm->lock);
	pte = pt_find(mm->root, addr);
	if (pte && (*pte & PTE_ZERO)) {
		kind = WPAGE_ZERO;
	} else if (pte && pte_is_private(*pte)) {
		const void *content = page_virt(pte_page(*pte));

		kind = all_zero(content) ? WPAGE_ZERO : WPAGE_RAW;
		if (kind == WPAGE_RAW)
			memcpy(buf, content, PAGE_SIZE);
	}
	mutex_unlock(&mm->lock);
	return kind;
}
