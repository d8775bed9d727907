/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a guest's missing pages come from. Private to kernel/guest/; see pager.c. */
#ifndef KERNEL_GUEST_PAGER_H
#define KERNEL_GUEST_PAGER_H

#include "kernel/guest/session.h"

/* Gives mm its source of pages, the stub of pid, unless it has one. 0 or -ENOMEM. */
int guest_pager_attach(struct session *s, uint32_t pid, struct mm *mm);

/*
 * This guest ends: if others share its memory, one of their stubs has a copy of what was there and
 * serves the pages from now on. Called with s->lock held.
 */
void guest_pager_handover(struct session *s, const struct guest *gone);

/* Starts fetching everything that is away; pause: home hears no DONE from now on. */
void guest_pager_fill(struct mm *mm);
void guest_pager_pause(struct mm *mm);

/* Hot pages of an image that is arriving (arrive.c). */
const char *guest_arrival_pages(struct session *s, uint32_t pid, const struct wire_pages *pages);

/* Pages of those that left that home has fetched so far, of all sessions. Any context. */
uint64_t guest_pages_fetched(void);

/* The memory that pid left behind when it went home, with a reference, or NULL (depart.c). */
struct mm *guest_ghost_mm(struct session *s, uint32_t pid);
bool guest_has_ghost(struct session *s, uint32_t pid);
unsigned guest_ghosts(struct session *s);

#endif
