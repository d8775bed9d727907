/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wait queues: sleep until a condition holds. Whoever makes the condition true wakes the queue
 * afterwards, from any context. Spurious wake-ups are allowed everywhere, so the condition is
 * always looked at again; it is evaluated many times and must have no side effect that hurts then.
 *
 * Waiting needs thread context with no spin lock held. The condition may take spin locks itself.
 * A queue must outlive its waiters; it owns no memory.
 */
#ifndef KERNEL_SYNC_WAITQ_H
#define KERNEL_SYNC_WAITQ_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

struct thread;

struct waitq {
	spinlock_t lock;
	struct list_head waiters;	/* of struct waiter, longest waiting first */
};

/* One sleeping thread; lives on its stack. */
struct waiter {
	struct list_head link;
	struct thread *thread;
	bool woken;		/* taken off the queue by a wake-up */
	bool timed;		/* timer is in use */
	struct timer timer;
};

#define WAITQ_INIT(name) { SPINLOCK_INIT, LIST_HEAD_INIT((name).waiters) }
#define WAIT_FOREVER UINT64_MAX

void waitq_init(struct waitq *wq);
void waitq_wake_all(struct waitq *wq);
void waitq_wake_one(struct waitq *wq);

/* The pieces of the macros below; not for direct use. */
void waitq_begin(struct waiter *w, uint64_t deadline_ns);
void waitq_prepare(struct waitq *wq, struct waiter *w);
void waitq_sleep(void);
void waitq_end(struct waitq *wq, struct waiter *w, bool satisfied);
bool wait_interrupted(void);

#define WAIT_EVENT_COMMON(wq, cond, deadline, interruptible)                                       \
	({                                                                                         \
		int __ret = 0;                                                                     \
		if (!(cond)) {                                                                     \
			struct waiter __w;                                                         \
			uint64_t __deadline = (deadline);                                          \
			waitq_begin(&__w, __deadline);                                             \
			for (;;) {                                                                 \
				waitq_prepare((wq), &__w);                                         \
				if (cond)                                                          \
					break;                                                     \
				if ((interruptible) && wait_interrupted()) {                       \
					__ret = -EINTR;                                            \
					break;                                                     \
				}                                                                  \
				if (__deadline != WAIT_FOREVER && clock_now_ns() >= __deadline) {  \
					__ret = -ETIMEDOUT;                                        \
					break;                                                     \
				}                                                                  \
				waitq_sleep();                                                     \
			}                                                                          \
			waitq_end((wq), &__w, __ret == 0);                                         \
		}                                                                                  \
		__ret;                                                                             \
	})

/* Sleeps until cond, whatever happens. */
#define wait_event(wq, cond) ((void)WAIT_EVENT_COMMON(wq, cond, WAIT_FOREVER, false))

/* Sleeps until cond or the absolute time deadline_ns; true when cond held. */
#define wait_event_timeout(wq, cond, deadline_ns)                                                  \
	({                                                                                         \
		bool __held = WAIT_EVENT_COMMON(wq, cond, deadline_ns, false) == 0;                \
		__held;                                                                            \
	})

/*
 * As above, but also ends when the thread has THREAD_WORK_SIGNAL set (thread_set_work()).
 * Returns 0 (cond held), -EINTR or -ETIMEDOUT. deadline_ns may be WAIT_FOREVER.
 */
#define wait_event_interruptible(wq, cond, deadline_ns)                                            \
	WAIT_EVENT_COMMON(wq, cond, deadline_ns, true)

#endif
