/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages a move has to carry: those of private mappings that are not the file's own. Told by
 * the PAGEMAP_SCAN ioctl (Linux 6.7), or /proc/PID/pagemap: Documentation/admin-guide/mm/pagemap.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/stub.h"

#define PAGE WIRE_PAGE_SIZE

/* linux/fs.h of 6.7; the installed headers may be older. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN		_IOWR('f', 16, struct scan_arg)
#define SCAN_FILE	(1 << 2)
#define SCAN_PRESENT	(1 << 3)
#define SCAN_SWAPPED	(1 << 4)
#define SCAN_PFNZERO	(1 << 5)

/* Bits of an entry of pagemap */
#define PM_PRESENT	(1ULL << 63)
#define PM_SWAPPED	(1ULL << 62)
#define PM_FILE		(1ULL << 61)
#define PM_GUARD	(1ULL << 58)	/* MADV_GUARD_INSTALL; told since Linux 6.15, as swapped, too */

#define REGIONS 1024
#define DENSE_MIN (1u << 20)	/* bytes; below, an exact answer costs nothing */

int runs_add(struct runs *runs, uint64_t addr, uint64_t npages, uint32_t kind)
{
	struct wire_run *last = runs->n ? &runs->v[runs->n - 1] : NULL;

	runs->pages += npages;
	if (last && last->kind == kind && last->addr + (uint64_t)last->npages * PAGE == addr &&
	    last->npages + npages <= UINT32_MAX) {
		last->npages += (uint32_t)npages;
		return 0;
	}
	while (npages) {
		uint32_t n = npages > UINT32_MAX ? UINT32_MAX : (uint32_t)npages;

		if (runs->n == runs->room) {
			size_t room = runs->room ? 2 * runs->room : 256;
			struct wire_run *v = realloc(runs->v, room * sizeof(*v));

			if (!v)
				return -ENOMEM;
			runs->v = v;
			runs->room = room;
		}
		runs->v[runs->n++] = (struct wire_run){ addr, n, kind };
		addr += (uint64_t)n * PAGE;
		npages -= n;
	}
	return 0;
}

const struct wire_run *runs_at(const struct runs *runs, uint64_t addr)
{
	size_t lo = 0, hi = runs->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct wire_run *run = &runs->v[mid];

		if (addr < run->addr)
			hi = mid;
		else if (addr >= run->addr + (uint64_t)run->npages * PAGE)
			lo = mid + 1;
		else
			return run;
	}
	return NULL;
}

/* -ENOTSUP: a page of this run is a guard, which a node knows nothing of. */
static int check_guards(int fd, uint64_t start, uint64_t end)
{
	uint64_t entry[512];

	while (start < end) {
		size_t want = (end - start) / PAGE < 512 ? (end - start) / PAGE : 512;
		ssize_t n = pread(fd, entry, want * 8, (off_t)(start / PAGE * 8));

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (ssize_t i = 0; i < n / 8; i++)
			if (entry[i] & PM_GUARD)
				return -ENOTSUP;
		start += (uint64_t)n / 8 * PAGE;
	}
	return 0;
}

static int scan_ioctl(int fd, const struct map *map, struct runs *runs)
{
	struct scan_region region[REGIONS];
	uint64_t at = map->start, told = map->start;

	while (at < map->end) {
		struct scan_arg arg = {
			.size = sizeof(arg),
			.start = at,
			.end = map->end,
			.vec = (uint64_t)region,
			.vec_len = REGIONS,
			.category_inverted = SCAN_FILE | SCAN_PFNZERO,
			.category_mask = SCAN_FILE | SCAN_PFNZERO,
			.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
			.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
		};
		long n = ioctl(fd, SCAN, &arg);
		int err = 0;

		if (n < 0)
			return -errno;
		for (long i = 0; i < n; i++) {
			/* Linux may say that it got less far than it did (seen with 6.18). */
			uint64_t start = region[i].start > told ? region[i].start : told;

			if (start >= region[i].end)
				continue;
			told = region[i].end;
			if (region[i].categories & SCAN_SWAPPED)
				err = check_guards(fd, start, told);
			if (err)
				return err;
			if (runs_add(runs, start, (told - start) / PAGE, RUN_SOURCE))
				return -ENOMEM;
		}
		if (arg.walk_end <= at && told <= at)
			break;
		at = arg.walk_end > told ? arg.walk_end : told;
	}
	return 0;
}

static int scan_read(int fd, const struct map *map, struct runs *runs)
{
	uint64_t entry[4096], at = map->start;

	while (at < map->end) {
		size_t want = (map->end - at) / PAGE;
		ssize_t n;

		if (want > 4096)
			want = 4096;
		n = pread(fd, entry, want * 8, (off_t)(at / PAGE * 8));
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (ssize_t i = 0; i < n / 8; i++, at += PAGE) {
			if (entry[i] & PM_GUARD)
				return -ENOTSUP;
			if (entry[i] & (PM_PRESENT | PM_SWAPPED) && !(entry[i] & PM_FILE) &&
			    runs_add(runs, at, 1, RUN_SOURCE))
				return -ENOMEM;
		}
	}
	return 0;
}

int collect_runs(struct stub *stub, struct collected *c, struct wire_text *why)
{
	bool ioctl_works = true;
	char path[40];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", stub->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err = -errno;
	for (size_t i = 0; !err && i < c->maps.n; i++) {
		const struct map *map = &c->maps.v[i];

		if (map->shared || map->vmf & VMF_UNTOUCHED || !strncmp(map->name, "[v", 2) ||
		    agent_touched(stub->process, map->start, map->end))
			continue;
		/*
		 * Almost full: all of it is named, and what does not exist will be answered with
		 * zeros. Looking at each page would take longer, the larger the process.
		 */
		if (map->vmf & VMF_DENSE && !(map->vmf & VMF_GROWSDOWN) && !map->ino &&
		    map->end - map->start >= DENSE_MIN) {
			err = runs_add(&c->runs, map->start, (map->end - map->start) / PAGE,
				       RUN_SOURCE);
			continue;
		}
		if (ioctl_works)
			err = scan_ioctl(fd, map, &c->runs);
		if (err == -ENOTTY) {
			ioctl_works = false;
			err = 0;
		}
		if (!ioctl_works)
			err = scan_read(fd, map, &c->runs);
	}
	if (fd >= 0)
		close(fd);
	if (err == -ENOTSUP)
		wire_text_set(why, WHY_STATE, "it has guard pages (madvise, MADV_GUARD_INSTALL)");
	else if (err)
		wire_text_set(why, WHY_STATE, "its pages could not be counted: %s", strerror(-err));
	c->image.pages = c->runs.pages;
	return err;
}

static unsigned add_hot(const struct collected *c, uint64_t addr, uint64_t *pages, unsigned n,
			unsigned max)
{
	addr &= ~(uint64_t)(PAGE - 1);
	for (unsigned i = 0; i < n; i++)
		if (pages[i] == addr)
			return n;
	if (n < max && runs_at(&c->runs, addr))
		pages[n++] = addr;
	return n;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The stack around its top, the thread's own data, and what the registers point to. */
static unsigned hot_thread(const struct collected *c, const struct wire_thread *t, uint64_t *pages,
			   unsigned n, unsigned max)
{
	const struct wire_regs *r = &t->regs;
	const uint64_t registers[] = { r->rip, r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp,
				       r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };

	n = add_hot(c, r->rsp - 512, pages, n, max);
	for (unsigned i = 0; i < 4; i++)
		n = add_hot(c, r->rsp + i * PAGE, pages, n, max);
	n = add_hot(c, r->fs_base, pages, n, max);
	n = add_hot(c, r->fs_base - 64, pages, n, max);
	n = add_hot(c, r->fs_base + 2304, pages, n, max);
	n = add_hot(c, t->rseq_addr, pages, n, max);
	n = add_hot(c, t->robust_list, pages, n, max);
	n = add_hot(c, t->clear_tid, pages, n, max);
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		n = add_hot(c, registers[i], pages, n, max);
	return n;
}

unsigned collect_hot(const struct collected *c, bool fresh, uint64_t *pages, unsigned max)
{
	unsigned n = 0;

	if (fresh && c->runs.pages <= max) {
		for (size_t i = 0; i < c->runs.n; i++)
			for (uint32_t k = 0; k < c->runs.v[i].npages; k++)
				pages[n++] = c->runs.v[i].addr + (uint64_t)k * PAGE;
		return n;
	}
	for (unsigned i = 0; i < c->nthreads && n < max; i++)
		n = hot_thread(c, &c->threads[i]->head, pages, n, max);
	qsort(pages, n, sizeof(pages[0]), by_address);
	return n;
}
