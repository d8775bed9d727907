/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of an address space must go home, and reading it page by page. */
#include <errno.h>
#include <string.h>

#include "kernel/mm/internal.h"

struct collect {
	uint64_t start, end; /* the run so far */
	bool away;	     /* its kind */
	mm_collect_fn *fn;
	void *arg;
};

static int collect_end(struct collect *c)
{
	return c->end > c->start ?
		       c->fn(c->arg, c->start, (c->end - c->start) / PAGE_SIZE, c->away) :
		       0;
}

static int collect_one(void *arg, uint64_t addr, pte_t *pte)
{
	struct collect *c = arg;
	bool away = *pte & PTE_AWAY;
	int result = 0;

	if (!away && !pte_is_private(*pte))
		return 0;
	if (addr != c->end || away != c->away) {
		result = collect_end(c);
		c->start = addr;
		c->away = away;
	}
	c->end = addr + PAGE_SIZE;
	return result;
}

int mm_collect(struct mm *mm, mm_collect_fn *fn, void *arg)
{
	struct collect c = { .fn = fn, .arg = arg };
	int result;

	mutex_lock(&mm->lock);
	result = pt_walk(mm->root, 0, USER_END, collect_one, &c);
	if (!result)
		result = collect_end(&c);
	mutex_unlock(&mm->lock);
	return result;
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
