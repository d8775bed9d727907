/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages of a process that has come home: fetched when it misses them (userfaultfd(2)), and all
 * the others in the background.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/home_int.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

#define PAGE		WIRE_PAGE_SIZE
#define BULK_PAGES	64u	/* one background request, at most */
#define BULK_WINDOW	256u	/* pages asked for at once: 1 MB */
#define FAULT_PAGES	8u	/* asked for at a fault: it and what follows */

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

/* One PAGE_GET on its way. */
struct fetch {
	struct list_head link;
	uint32_t id;
	uint64_t addr;		/* of the next page to come */
	uint32_t left;
	bool bulk;
};

uint8_t *home_page(struct home *home, uint64_t addr)
{
	const struct wire_run *run = runs_at(&home->runs, addr);

	if (!run || run->kind == RUN_KEEP)
		return NULL;
	return &home->state[home->first[run - home->runs.v] + (addr - run->addr) / PAGE];
}

static int uffd_put(struct home *home, uint64_t addr, uint64_t len, const uint8_t *data);

/* --- requests --- */

static void ask(struct home *home, uint64_t addr, uint32_t npages, bool bulk)
{
	struct wire_page_get get = { .addr = addr, .npages = npages };
	struct fetch *f = malloc(sizeof(*f));

	if (!f) {
		session_fail(home->session, "no memory for the pages of process %d", home->process->pid);
		return;
	}
	*f = (struct fetch){ .id = session_id(home->session), .addr = addr, .left = npages,
			     .bulk = bulk };
	list_add_tail(&f->link, &home->fetches);
	if (bulk)
		home->bulk += npages;
	session_send1(home->session, W_PAGE_GET, bulk ? WF_BULK : 0, (uint32_t)home->process->pid, f->id,
		      &get, sizeof(get));
}

void home_want(struct home *home, uint64_t addr, uint32_t npages)
{
	uint64_t start = 0;
	uint32_t n = 0;

	/* The page itself even if it is on its way in the background; its neighbours only if not. */
	for (uint32_t i = 0; i < npages; i++, addr += PAGE) {
		uint8_t *state = home_page(home, addr);
		bool take = state && (*state == PAGE_MISSING || (*state == PAGE_ASKED && i == 0));

		if (n && (!take || n == WIRE_PAGES_MAX)) {
			ask(home, start, n, false);
			n = 0;
		}
		if (!take)
			continue;
		if (!n)
			start = addr;
		n++;
		*state = PAGE_URGENT;
		home->urgent++;
	}
	if (n)
		ask(home, start, n, false);
}

bool home_have(struct home *home, uint64_t addr, uint32_t npages)
{
	bool have = true;

	for (uint32_t i = 0; i < npages && home->uffd >= 0; i++) {
		uint8_t *state = home_page(home, addr + (uint64_t)i * PAGE);

		if (!state) {
			uffd_put(home, addr + (uint64_t)i * PAGE, PAGE, NULL);
		} else if (*state != PAGE_HERE) {
			home_want(home, addr + (uint64_t)i * PAGE, npages - i);
			have = false;
		}
	}
	return have;
}

void home_fill(struct home *home)
{
	while (home->bulk < BULK_WINDOW && home->cursor_run < home->runs.n) {
		const struct wire_run *run = &home->runs.v[home->cursor_run];
		uint8_t *state = &home->state[home->first[home->cursor_run]];
		uint32_t at = home->cursor_page, n = 0;

		bool skip = home->phase == HOME_GATHERING ? run->kind != RUN_MUST :
							    run->kind == RUN_KEEP;

		while (!skip && at < run->npages && state[at] != PAGE_MISSING)
			at++;
		if (skip || at == run->npages) {
			home->cursor_run++;
			home->cursor_page = 0;
			continue;
		}
		for (; at + n < run->npages && n < BULK_PAGES && state[at + n] == PAGE_MISSING; n++)
			state[at + n] = PAGE_ASKED;
		home->cursor_page = at + n;
		ask(home, run->addr + (uint64_t)at * PAGE, n, true);
	}
}

/* --- putting pages in --- */

/* With the uffd, one stretch of pages of one kind; -ENOENT: the mapping has no uffd, or is gone. */
static int uffd_put(struct home *home, uint64_t addr, uint64_t len, const uint8_t *data)
{
	while (len) {
		int64_t done;
		int err;

		if (data) {
			bool low = home->process->i386;
			uint64_t n = low && len > I386_LOW_MAX ? I386_LOW_MAX : len;
			struct uffdio_copy copy = {
				.dst = addr,
				.src = (uint64_t)(low ? i386_low_copy(data, n) : data),
				.len = n,
			};

			err = ioctl(home->uffd, UFFDIO_COPY, &copy) ? errno : 0;
			done = copy.copy;
		} else {
			struct uffdio_zeropage zero = { .range = { addr, len } };

			err = ioctl(home->uffd, UFFDIO_ZEROPAGE, &zero) ? errno : 0;
			done = zero.zeropage;
		}
		if (!err)
			return 0;
		if (err == EAGAIN || done > 0) {
			if (done < 0)
				done = 0;	/* the map is changing just now: again */
		} else if (err == EEXIST) {
			struct uffdio_range wake = { addr, PAGE };

			ioctl(home->uffd, UFFDIO_WAKE, &wake);
			done = PAGE;
		} else {
			return -err;
		}
		addr += (uint64_t)done;
		len -= (uint64_t)done;
		if (data)
			data += done;
	}
	return 0;
}

/* Private anonymous memory, of which userfaultfd can say that a page is missing. */
static bool can_miss(const struct home *home, const struct map *map)
{
	return !map->shared && !map->ino && map->name[0] != '/' && strncmp(map->name, "[v", 2) &&
	       !agent_touched(home->process, map->start, map->end);
}

static int put(struct home *home, uint64_t addr, uint32_t npages, const uint8_t *data)
{
	const struct map *map = maps_at(&home->maps, addr);
	struct stub *stub = process_stub(home->process);
	static const uint8_t zeros[PAGE];
	int err = -ENOENT;

	if (home->uffd >= 0)
		err = uffd_put(home, addr, (uint64_t)npages * PAGE, data);
	/* Linux fills only what lies in one mapping; the program may have unmapped a part meanwhile. */
	for (uint32_t i = 0; err == -ENOENT && npages > 1 && i < npages; i++) {
		int one = put(home, addr + (uint64_t)i * PAGE, 1, data ? data + (size_t)i * PAGE : NULL);

		if (one || i == npages - 1)
			return one;
	}
	/* The program may have unmapped it, or be gone. */
	if (home->phase == HOME_RUNNING)
		return err == -ENOENT || err == -ESRCH ? 0 : err;
	if (err != -ENOENT)
		return err;
	/* Zeros have to be written to a file's mapping; elsewhere there is nothing else yet. */
	if (!data && map && can_miss(home, map))
		return 0;
	for (uint32_t i = 0; stub && i < npages; i++) {
		err = stub_write(stub, addr + (uint64_t)i * PAGE,
				 data ? data + (size_t)i * PAGE : zeros, PAGE);
		if (err)
			return err;
	}
	return 0;
}

int home_install(struct home *home, uint64_t addr, uint32_t npages, const uint8_t *kind,
		 const uint8_t *data)
{
	for (uint32_t i = 0; i < npages;) {
		const struct wire_run *run = runs_at(&home->runs, addr + (uint64_t)i * PAGE);
		uint32_t n = 0;
		int err;

		/* A stretch of pages of one kind, of one mapping, that are wanted. */
		while (i + n < npages && kind[i + n] == kind[i]) {
			uint8_t *s = home_page(home, addr + (uint64_t)(i + n) * PAGE);

			if (!s || *s == PAGE_HERE ||
			    runs_at(&home->runs, addr + (uint64_t)(i + n) * PAGE) != run)
				break;
			n++;
		}
		if (!n) {
			if (kind[i] == WPAGE_RAW)
				data += PAGE;
			i++;
			continue;
		}
		err = put(home, addr + (uint64_t)i * PAGE, n, kind[i] == WPAGE_RAW ? data : NULL);
		if (err)
			return err;
		for (uint32_t k = 0; k < n; k++) {
			uint8_t *state = home_page(home, addr + (uint64_t)(i + k) * PAGE);

			home->urgent -= *state == PAGE_URGENT;
			*state = PAGE_HERE;
		}
		home->left -= n;
		if (run->kind == RUN_MUST)
			home->must_left -= n;
		if (kind[i] == WPAGE_RAW)
			data += (size_t)n * PAGE;
		i += n;
	}
	return 0;
}

const char *home_pages(struct home *home, const struct wire_hdr *hdr, const struct wire_pages *pages)
{
	struct fetch *f, *found = NULL;
	int err;

	list_for_each_entry(f, &home->fetches, link)
		if (f->id == hdr->id) {
			found = f;
			break;
		}
	if (!found)
		return "pages that nobody asked for";
	if (pages->addr != found->addr || pages->npages > found->left ||
	    (pages->npages == found->left) != !!(hdr->flags & WF_LAST))
		return "pages other than those asked for";
	for (uint32_t i = 0; i < pages->npages; i++) {
		/* What has come by another request may have been given up at the node since. */
		uint8_t *state = home_page(home, pages->addr + (uint64_t)i * PAGE);

		if (pages->kind[i] >= WPAGE_NONE && state && *state != PAGE_HERE)
			return "no content for a page that the image named";
	}
	err = home_install(home, pages->addr, pages->npages, pages->kind, (const uint8_t *)(pages + 1));
	found->addr += (uint64_t)pages->npages * PAGE;
	found->left -= pages->npages;
	if (found->bulk)
		home->bulk -= pages->npages;
	if (!found->left) {
		list_del(&found->link);
		free(found);
	}
	/* ESRCH: its memory is gone already (UFFDIO_COPY(2const)), and its end is about to be told. */
	if (err && err != -ESRCH && process_stub(home->process))
		session_fail(home->session, "process %d: a page could not be put in its place: %s",
			     home->process->pid, strerror(-err));
	return NULL;
}

/* --- faults --- */

static void on_fault(struct home *home, uint64_t addr)
{
	struct uffdio_range page = { addr & ~(uint64_t)(PAGE - 1), PAGE };
	uint8_t *state = home_page(home, page.start);

	home->faults++;
	if (!state)
		uffd_put(home, page.start, PAGE, NULL);
	else if (*state == PAGE_HERE)
		ioctl(home->uffd, UFFDIO_WAKE, &page);
	else
		home_want(home, page.start, FAULT_PAGES);
}

static void on_uffd(struct watch *watch, uint32_t events)
{
	struct home *home = container_of(watch, struct home, watch);
	struct uffd_msg msg[16];
	ssize_t n;

	(void)events;
	n = read(home->uffd, msg, sizeof(msg));
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(msg[0]); i++)
		if (msg[i].event == UFFD_EVENT_PAGEFAULT)
			on_fault(home, msg[i].arg.pagefault.address);
	/* The address space is gone: its end will be reported. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		loop_unwatch(watch);
}

/* Created in the stub, because it belongs to the address space of who makes it. */
static int uffd_create(struct stub *stub, bool *kernel_faults)
{
	struct uffdio_api api = { .api = UFFD_API };
	long fd = inject_call(stub, SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	int pidfd, own = -1;

	*kernel_faults = fd >= 0;
	if (fd == -EPERM)
		fd = inject_call(stub, SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (fd < 0)
		return -1;
	pidfd = (int)syscall(SYS_pidfd_open, stub->process->pid, 0);
	if (pidfd >= 0) {
		own = (int)syscall(SYS_pidfd_getfd, pidfd, (int)fd, 0);
		close(pidfd);
	}
	inject_call(stub, SYS_close, fd);
	if (own >= 0 && ioctl(own, UFFDIO_API, &api)) {
		close(own);
		own = -1;
	}
	return own;
}

void home_uffd_open(struct home *home)
{
	const struct map *last = NULL;
	bool registered = false, any = false;

	home->uffd = home->left ? uffd_create(home->threads[0].stub, &home->kernel_faults) : -1;
	home->must_left = 0;
	for (size_t i = 0; i < home->runs.n; i++) {
		struct wire_run *run = &home->runs.v[i];
		const struct map *map = maps_at(&home->maps, run->addr);
		const uint8_t *state = &home->state[home->first[i]];

		if (run->kind == RUN_KEEP)
			continue;
		if (map != last) {
			struct uffdio_register reg = {
				.range = { map->start, map->end - map->start },
				.mode = UFFDIO_REGISTER_MODE_MISSING,
			};

			registered = home->uffd >= 0 && can_miss(home, map) &&
				     !ioctl(home->uffd, UFFDIO_REGISTER, &reg);
			any |= registered;
			last = map;
		}
		if (registered)
			continue;
		run->kind = RUN_MUST;
		for (uint32_t k = 0; k < run->npages; k++)
			home->must_left += state[k] != PAGE_HERE;
	}
	if (!any && home->uffd >= 0) {
		close(home->uffd);
		home->uffd = -1;
	}
	if (home->uffd < 0)
		return;
	home->watch.fd = home->uffd;
	home->watch.fn = on_uffd;
	loop_watch(&home->watch, EPOLLIN);
}

void home_fetch_free(struct home *home)
{
	if (home->uffd >= 0) {
		loop_unwatch(&home->watch);
		close(home->uffd);
		home->uffd = -1;
	}
	while (!list_empty(&home->fetches)) {
		struct fetch *f = list_first_entry(&home->fetches, struct fetch, link);

		list_del(&f->link);
		free(f);
	}
}
