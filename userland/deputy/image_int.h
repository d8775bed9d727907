/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What image*.c and pages*.c share. All of it belongs to the deputy's one thread. */
#ifndef DEPUTY_IMAGE_INT_H
#define DEPUTY_IMAGE_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/list.h"
#include "proto/wire.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/session.h"

struct process;
struct stub;

/* A growing array; data is freed by its owner. */
struct runs {
	struct wire_run *v;
	size_t n, room;
	uint64_t pages;		/* in all of them */
};

/*
 * stub->image: from image_send() until the process is home again or gone. fds are opened when first
 * needed; both follow the address space they were opened on, so execve ends this struct.
 */
struct image {
	struct process *process;
	int mem_fd, pagemap_fd;		/* -1: not open */
	uint64_t vdso_start, vdso_end;	/* 0, 0: none that is served */
	struct list_head requests;	/* struct page_request: bulk PAGE_GETs, oldest first */
	struct bulk_source source;
	uint32_t node_cpu[WIRE_CPU_WORDS];	/* the node's, which the program may ask for */
	bool fresh;
	bool drop;			/* image_done() came: pages from drop_from on are to be dropped */
	uint64_t drop_from;
	uint64_t bytes_named, bytes_sent;
	siginfo_t *pending;		/* sent with the image: still to be taken out of the stub */
	unsigned npending;
};

struct image *image_new(struct process *process);

struct collected_signals {
	struct wire_signal *v;
	unsigned n;
};

struct collected_thread {
	struct wire_thread head;
	uint8_t xstate[WIRE_XSTATE_MAX];
	struct collected_signals signals;
};

/* What is put together before anything is sent. */
struct collected {
	struct maps maps;
	struct wire_image image;
	struct wire_file *files;
	size_t nfiles;
	struct wire_vma *vmas;
	size_t nvmas;
	struct wire_sigact sigacts[64];
	struct collected_thread **threads;	/* the leader's first */
	unsigned nthreads;
	struct collected_signals signals;	/* of the process */
	struct runs runs;
	uint64_t shared_image;	/* names shared memory of this image */
};

/*
 * Each adds its part to c, of the process that the stub is a thread of; 0, or a negative errno with
 * *why set.
 */
/* maps, with flags: from the look before the freeze where that still holds. 0 or a negative errno. */
int image_read_maps(struct process *process, struct maps *maps);
int collect_maps(struct stub *stub, struct collected *c, struct wire_text *why);
int collect_process(struct stub *stub, struct collected *c, struct wire_text *why);
/* Called for one thread after the other. */
int collect_thread(struct stub *stub, uint64_t node_xcr0, struct collected *c,
		   struct wire_text *why);
/* Signals pending for the process (of any thread), or for this thread alone. */
int collect_signals(struct stub *stub, bool of_process, struct collected_signals *signals);
int collect_runs(struct stub *stub, struct collected *c, struct wire_text *why);

/* Sends IMG_SCHED, right after the thread's IMG_THREAD. */
void image_send_sched(struct session *session, uint32_t pid, uint32_t id, pid_t tid);

/*
 * Unregisters what binds the thread to memory that changes elsewhere: its rseq area, and what Linux
 * would write to when it ends.
 */
void image_thread_leave(struct stub *stub);

/*
 * Addresses of pages in runs that the process will want at once, ascending; returns how many, at
 * most max. fresh: all there are, if they are few.
 */
#define HOT_MAX 64u
unsigned collect_hot(const struct collected *c, bool fresh, uint64_t *pages, unsigned max);

int runs_add(struct runs *runs, uint64_t addr, uint64_t npages, uint32_t kind);
const struct wire_run *runs_at(const struct runs *runs, uint64_t addr);

/* pages.c: npages (at most WIRE_PAGES_MAX) starting at addr, sent as one PAGES message. */
void pages_send(struct image *image, struct session *session, unsigned flags, uint32_t id,
		uint64_t addr, unsigned npages, bool file, bool bulk);

/*
 * Frees the stub's private pages by MADV_DONTNEED, but those in keep's RUN_KEEP (may be NULL). 0 or
 * a negative errno. With from: only from there on and for a few ms; then 1, with *from set anew, says
 * that there is more to do.
 */
int pages_drop(struct stub *stub, const struct runs *keep, uint64_t *from);

#endif
