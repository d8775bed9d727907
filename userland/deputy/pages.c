/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages read out of a stub and sent: asked for, hot, or by and by in the background. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/image.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/image_file.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/pages.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/vdso32.h"

#define PAGE WIRE_PAGE_SIZE
#define DROP_PIECE (4u << 20)	/* bytes dropped without looking at the clock */
#define DROP_CALLS 64u
#define DROP_TURN_NS MS(3)	/* then others get their turn */
#define PM_PRESENT (1ULL << 63)
#define PM_SWAPPED (1ULL << 62)
#define PM_FILE (1ULL << 61)
#define MADV_DONTNEED_LOCKED_ 24	/* Linux 5.18; not in every libc's header */

/* One PAGE_GET that may wait. */
struct page_request {
	struct list_head link;
	struct wire_page_get get;	/* what is left of it */
	uint32_t id;
};

static int proc_open(struct image *image, int *fd, const char *name)
{
	char path[40];

	if (*fd >= 0)
		return *fd;
	snprintf(path, sizeof(path), "/proc/%d/%s", process_live_pid(image->process), name);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	return *fd;
}

bool page_is_zero(const void *page)
{
	const uint64_t *p = page;

	/* Most pages with content show it in their first words. */
	for (unsigned i = 0; i < PAGE / 8; i += 8)
		if (p[i] | p[i + 1] | p[i + 2] | p[i + 3] | p[i + 4] | p[i + 5] | p[i + 6] | p[i + 7])
			return false;
	return true;
}

/*
 * From the stub's memory. process_vm_readv stops at the first page that it may not or cannot read;
 * /proc/PID/mem is asked about that one: it minds no rights, so what it cannot read is not there.
 */
static void read_memory(struct image *image, uint64_t addr, unsigned npages, uint8_t *buf,
			uint8_t *kind)
{
	unsigned done = 0;

	while (done < npages) {
		size_t len = (size_t)(npages - done) * PAGE;
		struct iovec local = { buf + (size_t)done * PAGE, len };
		struct iovec remote = { (void *)(addr + (uint64_t)done * PAGE), len };
		ssize_t n = process_vm_readv(process_live_pid(image->process), &local, 1, &remote, 1, 0);
		unsigned got = n > 0 ? (unsigned)((size_t)n / PAGE) : 0;

		for (unsigned i = 0; i < got; i++)
			kind[done + i] = WPAGE_RAW;
		done += got;
		if (done == npages)
			break;
		kind[done] = WPAGE_NONE;
		if (proc_open(image, &image->mem_fd, "mem") >= 0 &&
		    pread(image->mem_fd, buf + (size_t)done * PAGE, PAGE,
			  (off_t)(addr + (uint64_t)done * PAGE)) == (ssize_t)PAGE)
			kind[done] = WPAGE_RAW;
		done++;
	}
}

/*
 * The file's own content at addr, where the process has a private copy that hides it. Rare: pages
 * that a program has changed are asked for as its own; others only happen to lie beside them.
 */
static bool read_file(struct image *image, uint64_t addr, uint8_t *buf)
{
	const struct map *map;
	struct maps maps;
	ssize_t n = -1;
	int fd;

	if (maps_read(&maps, process_live_pid(image->process), false))
		return false;
	map = maps_at(&maps, addr);
	fd = map && map->ino ? file_open_map(process_live_pid(image->process), map) : -1;
	if (fd >= 0) {
		n = pread(fd, buf, PAGE, (off_t)(map->offset + (addr - map->start)));
		close(fd);
	}
	maps_free(&maps);
	if (n > 0)
		memset(buf + n, 0, PAGE - (size_t)n);
	return n > 0;
}

static void read_file_pages(struct image *image, uint64_t addr, unsigned npages, uint8_t *buf,
			    uint8_t *kind)
{
	uint64_t entry[WIRE_PAGES_MAX];
	ssize_t n = -1;

	read_memory(image, addr, npages, buf, kind);
	if (proc_open(image, &image->pagemap_fd, "pagemap") >= 0)
		n = pread(image->pagemap_fd, entry, npages * 8, (off_t)(addr / PAGE * 8));
	for (unsigned i = 0; i < npages; i++) {
		bool own = n >= (ssize_t)(i + 1) * 8 && entry[i] & (PM_PRESENT | PM_SWAPPED) &&
			   !(entry[i] & PM_FILE);

		/* Where its own content cannot be had, the identity is nobody else's either. */
		if (own)
			read_file(image, addr + (uint64_t)i * PAGE, buf + (size_t)i * PAGE);
	}
}

static bool in_vdso(const struct image *image, uint64_t addr)
{
	return addr >= image->vdso_start && addr < image->vdso_end;
}

void pages_send(struct image *image, struct session *session, unsigned flags, uint32_t id,
		uint64_t addr, unsigned npages, bool file, bool bulk)
{
	static uint8_t buf[WIRE_PAGES_MAX * WIRE_PAGE_SIZE];
	struct wire_pages pages = { .addr = addr, .npages = npages };
	struct iovec iov[1 + WIRE_PAGES_MAX] = { { &pages, sizeof(pages) } };
	const struct vdso *vdso = vdso_of(image->process);
	int niov = 1;

	if (file)
		read_file_pages(image, addr, npages, buf, pages.kind);
	else
		read_memory(image, addr, npages, buf, pages.kind);
	for (unsigned i = 0; i < npages; i++) {
		uint8_t *page = buf + (size_t)i * PAGE;

		if (in_vdso(image, addr + (uint64_t)i * PAGE)) {
			memcpy(page, vdso->image + (addr + (uint64_t)i * PAGE - image->vdso_start), PAGE);
			pages.kind[i] = WPAGE_RAW;
		}
		if (pages.kind[i] == WPAGE_RAW && page_is_zero(page))
			pages.kind[i] = WPAGE_ZERO;
		if (pages.kind[i] != WPAGE_RAW)
			continue;
		if (niov > 1 && (uint8_t *)iov[niov - 1].iov_base + iov[niov - 1].iov_len == page)
			iov[niov - 1].iov_len += PAGE;
		else
			iov[niov++] = (struct iovec){ page, PAGE };
	}
	image->bytes_sent += (uint64_t)npages * PAGE;
	if (bulk)
		session_send_bulk(session, W_PAGES, flags, (uint32_t)image->process->pid, id, iov, niov);
	else
		session_send(session, W_PAGES, flags, (uint32_t)image->process->pid, id, iov, niov);
}

/* Nothing is known of these: the process has ended. */
static void send_gone(struct session *session, const struct wire_hdr *hdr,
		      const struct wire_page_get *get)
{
	for (uint32_t done = 0; done < get->npages;) {
		uint32_t n = get->npages - done < WIRE_PAGES_MAX ? get->npages - done : WIRE_PAGES_MAX;
		struct wire_pages pages = { .addr = get->addr + (uint64_t)done * PAGE, .npages = n };

		memset(pages.kind, WPAGE_GONE, n);
		done += n;
		session_send1(session, W_PAGES, done == get->npages ? WF_LAST : 0, hdr->tid, hdr->id,
			      &pages, sizeof(pages));
	}
}

/* Sends the next message of a request; true when that was the last. */
static bool serve(struct image *image, struct session *session, struct page_request *req, bool bulk)
{
	unsigned n = req->get.npages < WIRE_PAGES_MAX ? req->get.npages : WIRE_PAGES_MAX;
	bool last = n == req->get.npages;

	pages_send(image, session, last ? WF_LAST : 0, req->id, req->get.addr, n, req->get.file, bulk);
	req->get.addr += (uint64_t)n * PAGE;
	req->get.npages -= n;
	return last;
}

/* Called while the session's bulk queue is short. */
static bool produce(struct bulk_source *source, struct session *session)
{
	struct image *image = container_of(source, struct image, source);
	struct page_request *req;

	if (list_empty(&image->requests))
		return false;
	req = list_first_entry(&image->requests, struct page_request, link);
	if (serve(image, session, req, true)) {
		list_del(&req->link);
		free(req);
	}
	return !list_empty(&image->requests);
}

const char *image_page_get(struct process *process, struct session *session, const struct wire_hdr *hdr,
			   const struct wire_page_get *get)
{
	struct page_request *req;

	if (!get->npages || get->npages > WIRE_PAGE_GET_MAX || get->addr % PAGE ||
	    get->addr > UINT64_MAX - (uint64_t)get->npages * PAGE || get->file > 1)
		return "request for an impossible range of pages";
	if (!process || !process_stub(process)) {
		send_gone(session, hdr, get);
		return NULL;
	}
	if (!process->image)
		process->image = image_new(process);
	req = process->image ? malloc(sizeof(*req)) : NULL;
	if (!req)
		return "no memory to answer a request for pages";
	req->get = *get;
	req->id = hdr->id;
	if (!(hdr->flags & WF_BULK)) {
		while (!serve(process->image, session, req, false))
			;
		free(req);
		return NULL;
	}
	list_add_tail(&req->link, &process->image->requests);
	session_bulk_start(session, &process->image->source);
	return NULL;
}

struct image *image_new(struct process *process)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	image->process = process;
	image->mem_fd = image->pagemap_fd = -1;
	list_init(&image->requests);
	bulk_source_init(&image->source, produce);
	return image;
}

void image_forget(struct process *process)
{
	struct image *image = process->image;

	if (!image)
		return;
	process->image = NULL;
	session_bulk_stop(&image->source);
	while (!list_empty(&image->requests)) {
		struct page_request *req =
			list_first_entry(&image->requests, struct page_request, link);

		list_del(&req->link);
		free(req);
	}
	if (image->mem_fd >= 0)
		close(image->mem_fd);
	if (image->pagemap_fd >= 0)
		close(image->pagemap_fd);
	free(image->pending);
	free(image);
}

/* The end of the stretch from addr on that is not to be kept, and where the next begins. */
static uint64_t stretch(const struct runs *keep, uint64_t addr, uint64_t end, uint64_t *next)
{
	*next = end;
	for (size_t i = 0; keep && i < keep->n; i++) {
		uint64_t run_end = keep->v[i].addr + (uint64_t)keep->v[i].npages * PAGE;

		if (keep->v[i].kind != RUN_KEEP || run_end <= addr)
			continue;
		if (keep->v[i].addr >= end)
			break;
		*next = run_end < end ? run_end : end;
		return keep->v[i].addr > addr ? keep->v[i].addr : addr;
	}
	return end;
}

struct drop {
	struct batch_call *calls;	/* for whole stretches */
	unsigned n, room, done;
};

static int drop_add(struct drop *d, uint64_t at, uint64_t end)
{
	if (at >= end)
		return 0;
	if (d->n == d->room) {
		unsigned room = d->room ? 2 * d->room : 128;
		struct batch_call *v = realloc(d->calls, room * sizeof(*v));

		if (!v)
			return -ENOMEM;
		d->calls = v;
		d->room = room;
	}
	d->calls[d->n++] = BATCH(SYS_madvise, at, end - at, MADV_DONTNEED);
	return 0;
}

static int drop_list(struct stub *stub, const struct runs *keep, uint64_t from, struct drop *d)
{
	struct maps maps;
	int err = maps_read(&maps, stub->pid, false);

	if (err)
		return err;
	for (size_t i = 0; i < maps.n && !err; i++) {
		const struct map *map = &maps.v[i];
		uint64_t at = map->start > from ? map->start : from, next, end;

		if (map->shared || !strncmp(map->name, "[v", 2) ||
		    agent_touched(stub->process, map->start, map->end))
			continue;
		for (; at < map->end && !err; at = next) {
			end = stretch(keep, at, map->end, &next);
			err = drop_add(d, at, end);
		}
	}
	maps_free(&maps);
	return err;
}

static int drop_calls(struct stub *stub, struct batch_call *calls, unsigned n)
{
	int err = stub_batch(stub, calls, n);

	/* Locked memory refuses; the newer form does not. */
	for (unsigned i = 0; i < n && !err; i++) {
		if (calls[i].ret == -EINVAL) {
			calls[i].args[2] = MADV_DONTNEED_LOCKED_;
			err = stub_batch(stub, &calls[i], 1);
		}
		if (!err && calls[i].ret < 0)
			err = (int)calls[i].ret;
	}
	return err;
}

/* The next calls for up to that many bytes, off the list; returns how many. */
static unsigned drop_cut(struct drop *d, uint64_t bytes, struct batch_call part[DROP_CALLS])
{
	unsigned n = 0;

	while (d->done < d->n && n < DROP_CALLS && bytes) {
		struct batch_call *call = &d->calls[d->done];
		uint64_t len = call->args[1] < bytes ? call->args[1] : bytes;

		part[n++] = BATCH(SYS_madvise, call->args[0], len, MADV_DONTNEED);
		call->args[0] += len;
		call->args[1] -= len;
		bytes -= len;
		d->done += !call->args[1];
	}
	return n;
}

/* In pieces, so that the work can be interrupted between two; empty address space goes fast. */
static int drop_some(struct stub *stub, struct drop *d, uint64_t *from)
{
	uint64_t begun = loop_now(), now = begun, before, bytes = DROP_PIECE;
	struct batch_call part[DROP_CALLS];
	int err = 0;

	while (!err && d->done < d->n) {
		unsigned n = drop_cut(d, bytes, part);

		err = drop_calls(stub, part, n);
		*from = part[n - 1].args[0] + part[n - 1].args[1];
		before = now;
		now = loop_now();
		if (d->done < d->n && now - begun > DROP_TURN_NS)
			err = 1;
		if (now - before >= MS(1))
			bytes = DROP_PIECE;
		else if (bytes < UINT64_C(1) << 47)
			bytes *= 2;
	}
	return err;
}

int pages_drop(struct stub *stub, const struct runs *keep, uint64_t *from)
{
	struct drop d = { 0 };
	int err = drop_list(stub, keep, from ? *from : 0, &d);

	if (!err)
		err = from ? drop_some(stub, &d, from) : drop_calls(stub, d.calls, d.n);
	free(d.calls);
	return err;
}
