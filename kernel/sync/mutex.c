/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sleeping mutexes: an atomic word, and a wait queue for those who find it taken.
 */
#include "kernel/sync/mutex.h"

#include "kernel/kprintf.h"
#include "kernel/proc/thread.h"

void mutex_init(struct mutex *m)
{
	m->locked = 0;
	m->owner = NULL;
	waitq_init(&m->waiters);
}

bool mutex_trylock(struct mutex *m)
{
	if (__atomic_exchange_n(&m->locked, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	m->owner = current;
	return true;
}

void mutex_lock(struct mutex *m)
{
	if (m->locked && m->owner == current)
		panic("mutex %lx locked twice by thread \"%s\"", (uint64_t)m, current->name);
	wait_event(&m->waiters, mutex_trylock(m));
}

void mutex_unlock(struct mutex *m)
{
	if (m->owner != current)
		panic("mutex %lx unlocked by a thread that does not hold it", (uint64_t)m);
	m->owner = NULL;
	/*
	 * A full barrier between this and the look at the waiters: a waiter queues itself first
	 * and tries the lock then, so one of the two sees the other.
	 */
	__atomic_exchange_n(&m->locked, 0, __ATOMIC_SEQ_CST);
	if (!list_empty(&m->waiters.waiters))
		waitq_wake_one(&m->waiters);
}

bool mutex_held(const struct mutex *m)
{
	return m->locked && m->owner == current;
}
