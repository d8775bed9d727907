/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sleeping mutual exclusion, for paths that may block while they hold it. Thread context only, not
 * recursive; unlocked by the thread that locked it. Lock order is the owner's business.
 */
#ifndef KERNEL_SYNC_MUTEX_H
#define KERNEL_SYNC_MUTEX_H

#include <stdbool.h>

#include "kernel/sync/waitq.h"

struct mutex {
	uint32_t locked;
	struct thread *owner;
	struct waitq waiters;
};

#define MUTEX_INIT(name) { 0, NULL, WAITQ_INIT((name).waiters) }

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* Does the current thread hold it? For assertions. */
bool mutex_held(const struct mutex *m);

#endif
