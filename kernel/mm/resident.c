/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which pages have content: for mincore(2). */
#include "kernel/mm/internal.h"

struct resident {
	uint64_t start;
	uint8_t *vec;
};

static int resident_one(void *arg, uint64_t addr, pte_t *pte)
{
	const struct resident *r = arg;

	/* What is still to be fetched is memory of this process all the same. */
	if (pte_has_page(*pte) || (*pte & PTE_AWAY))
		r->vec[(addr - r->start) / PAGE_SIZE] |= 1;
	return 0;
}

void mm_resident(struct mm *mm, uint64_t start, uint64_t end, uint8_t *vec)
{
	struct resident r = { start, vec };

	mutex_lock(&mm->lock);
	pt_walk(mm->root, start, end, resident_one, &r);
	mutex_unlock(&mm->lock);
}
