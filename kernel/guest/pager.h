/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a guest's missing pages come from. Private to kernel/guest/; see pager.c. */
#ifndef KERNEL_GUEST_PAGER_H
#define KERNEL_GUEST_PAGER_H

#include "kernel/guest/session.h"

/* Gives proc->mm its source of pages, unless it shares one that has. 0 or -ENOMEM. */
int guest_pager_attach(struct proc *proc);

/* proc, still on its session's list, is about to leave it: its stub will serve no more pages. */
void guest_pager_detach(struct proc *proc);

/* Starts fetching everything that is away; pause: home hears no DONE from now on. */
void guest_pager_fill(struct proc *proc);
void guest_pager_pause(struct proc *proc);

/* Hot pages of an image that is arriving (arrive.c). */
const char *guest_arrival_pages(struct session *s, uint32_t pid, const struct wire_pages *pages);

/* The memory that pid left behind when it went home, with a reference, or NULL (depart.c). */
struct mm *guest_ghost_mm(struct session *s, uint32_t pid);
bool guest_has_ghost(struct session *s, uint32_t pid);

#endif
