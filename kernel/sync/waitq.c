/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wait queues. Lock order: a queue's lock, then a thread's, then a run queue's.
 */
#include "kernel/sync/waitq.h"

#include "kernel/kprintf.h"
#include "kernel/proc/thread.h"

void waitq_init(struct waitq *wq)
{
	spin_init(&wq->lock);
	list_init(&wq->waiters);
}

static void waiter_timeout(void *arg)
{
	thread_wake(arg);
}

void waitq_begin(struct waiter *w, uint64_t deadline_ns)
{
	list_init(&w->link);
	w->thread = current;
	w->woken = false;
	w->timed = deadline_ns != WAIT_FOREVER;
	/* Should it fire before the thread blocks, the deadline has passed and is seen as such. */
	if (w->timed) {
		timer_init(&w->timer);
		timer_set(&w->timer, deadline_ns, waiter_timeout, w->thread);
	}
}

void waitq_prepare(struct waitq *wq, struct waiter *w)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);

	/* After a wake-up whose condition was gone again it queues anew, behind the others. */
	if (list_empty(&w->link)) {
		w->woken = false;
		list_add_tail(&w->link, &wq->waiters);
	}
	thread_block_prepare();
	spin_unlock_irqrestore(&wq->lock, flags);
}

void waitq_sleep(void)
{
	schedule();
}

void waitq_end(struct waitq *wq, struct waiter *w, bool satisfied)
{
	unsigned long flags;
	bool pass_on;

	thread_block_cancel();
	flags = spin_lock_irqsave(&wq->lock);
	list_del(&w->link);
	pass_on = w->woken && !satisfied;
	spin_unlock_irqrestore(&wq->lock, flags);
	if (w->timed)
		timer_cancel(&w->timer);
	/* A waitq_wake_one() that hit a waiter which gave up belongs to the next one. */
	if (pass_on)
		waitq_wake_one(wq);
}

bool wait_interrupted(void)
{
	return thread_work(current) & THREAD_WORK_INTERRUPTS;
}

/* Under the queue's lock, which keeps the waiter's thread from leaving. */
static void wake_first(struct waitq *wq)
{
	struct waiter *w = list_first_entry(&wq->waiters, struct waiter, link);

	list_del(&w->link);
	w->woken = true;
	thread_wake(w->thread);
}

void waitq_wake_all(struct waitq *wq)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);

	while (!list_empty(&wq->waiters))
		wake_first(wq);
	spin_unlock_irqrestore(&wq->lock, flags);
}

void waitq_wake_one(struct waitq *wq)
{
	unsigned long flags = spin_lock_irqsave(&wq->lock);

	if (!list_empty(&wq->waiters))
		wake_first(wq);
	spin_unlock_irqrestore(&wq->lock, flags);
}
