/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What home*.c share. All of it belongs to the deputy's one thread. */
#ifndef DEPUTY_HOME_INT_H
#define DEPUTY_HOME_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/list.h"
#include "proto/wire.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/loop.h"

struct process;
struct session;
struct stub;

/*
 * A third kind of run, made of RUN_SOURCE at IMG_COMMIT: in a mapping of which userfaultfd cannot say
 * that a page is missing (a file's), so it must be here before the process runs.
 */
#define RUN_MUST 2u

/* Of a page that comes from the node. */
enum page_state {
	PAGE_MISSING,
	PAGE_ASKED,	/* by a background request */
	PAGE_URGENT,	/* somebody waits for it */
	PAGE_HERE,
};

enum home_phase {
	HOME_RECEIVING,	/* up to IMG_COMMIT */
	HOME_GATHERING,	/* the stub is being filled with what it cannot run without */
	HOME_RUNNING,	/* it runs; the rest follows */
	HOME_DONE,	/* all is here */
};

/* One thread as it comes. */
struct home_thread {
	struct stub *stub;		/* from IMG_COMMIT until it runs */
	struct wire_thread head;
	uint8_t *xstate;		/* head.xstate_len bytes */
};

/* A signal that was pending at the node. */
struct home_signal {
	unsigned thread;		/* unless it is for the process: index of the one it is for */
	struct wire_signal signal;
};

/* process->home: from IMG_BEGIN until the last page has come. */
struct home {
	struct process *process;
	struct session *session;
	uint32_t id;			/* of the image's messages */
	enum home_phase phase;

	struct wire_image image;
	struct home_thread *threads;
	unsigned nthreads;
	struct home_signal *signals;	/* in the order they came */
	unsigned nsignals;
	struct hot_page *hot;		/* a list, until IMG_COMMIT */
	unsigned nhot;

	struct runs runs;		/* from IMG_COMMIT on sorted, and cut at mappings' ends */
	uint64_t *first;		/* of each run: index of its first page in state */
	uint8_t *state;			/* enum page_state of each page that comes from the node */
	uint64_t total, left;		/* pages that come from the node: all, not here yet */
	uint64_t must_left;		/* those of RUN_MUST that are not here yet */
	uint64_t urgent;		/* PAGE_URGENT ones */

	struct maps maps;		/* of the stub, as they were at IMG_COMMIT */
	int uffd;			/* -1: none: everything is gathered */
	bool kernel_faults;		/* uffd serves the kernel's own accesses too */
	struct watch watch;

	struct list_head fetches;	/* struct fetch */
	unsigned bulk;			/* pages of background requests on the way */
	size_t cursor_run;		/* of the background fetch */
	uint32_t cursor_page;

	uint64_t faults, holds;		/* for developers */
};

/* home.c */
/* How this thread came, or NULL. */
const struct home_thread *home_thread(const struct home *home, pid_t tid);
/* Pages have come: goes on to the next phase when they were the last it takes. May free home. */
void home_advance(struct home *home);

/* home_fetch.c */
/*
 * Makes the uffd and registers the mappings of runs; those that it cannot be had for become RUN_MUST.
 * For a stub that is stopped in its agent.
 */
void home_uffd_open(struct home *home);
/* Puts pages into the stub; data NULL: zeros. Those that are HERE already stay as they are. */
int home_install(struct home *home, uint64_t addr, uint32_t npages, const uint8_t *kind,
		 const uint8_t *data);
/* Asks for the page, and those of npages - 1 after it that nobody has asked for, at once. */
void home_want(struct home *home, uint64_t addr, uint32_t npages);
/* Keeps the background requests going; while gathering, those of RUN_MUST. */
void home_fill(struct home *home);
const char *home_pages(struct home *home, const struct wire_hdr *hdr, const struct wire_pages *pages);
void home_fetch_free(struct home *home);
/* The state of a page, or NULL if it does not come from the node. */
uint8_t *home_page(struct home *home, uint64_t addr);

/*
 * Are these pages there for Linux to touch? Those that nobody has written yet are made; those that
 * are still at the node are asked for, and it is false.
 */
bool home_have(struct home *home, uint64_t addr, uint32_t npages);

/* home_touch.c: is all that this call, or the delivery of a signal, will touch there? */
bool home_touch_call(struct stub *stub, uint64_t nr, uint64_t rsp, const uint64_t args[6]);
bool home_touch_signal(struct stub *stub);

/* home_hold.c: pages have come; held threads may be able to go on. May end with them dead. */
void home_recheck(struct home *home);

#endif
