/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network thread: the one owner of lwIP. It sleeps until a card interrupts, someone posts work,
 * or the next of lwIP's timers is due; then it works until there is nothing left.
 */
#include <string.h>

#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/proc/thread.h"
#include "kernel/random.h"
#include "kernel/sync/waitq.h"
#include "kernel/time/clock.h"
#include "lwip/init.h"
#include "lwip/timeouts.h"
#include "net/announce.h"
#include "net/internal.h"
#include "net/wake.h"

/* How often cards are looked at when no interrupt comes, or a full ring may have room again. */
#define POLL_INTERVAL_NS (1 * NSEC_PER_MSEC)
/* So many finds by the clock without a single interrupt mean that we were told a wrong line. */
#define FINDS_WITHOUT_IRQ 8

#define SHUTDOWN_WAIT_NS (3 * NSEC_PER_SEC)
#define SHUTDOWN_LOOK_NS (10 * NSEC_PER_MSEC)

static struct waitq wq = WAITQ_INIT(wq);
static spinlock_t work_lock = SPINLOCK_INIT;
static struct list_head work_list = LIST_HEAD_INIT(work_list);
static struct thread *owner;
static bool by_clock;

bool net_is_owner(void)
{
	return thread_current() == owner;
}

void net_assert_owner(void)
{
	KASSERT(net_is_owner());
}

uint32_t net_random32(void)
{
	return random32();
}

uint32_t sys_now(void)
{
	return clock_now_ns() / NSEC_PER_MSEC;
}

void net_wake(void)
{
	waitq_wake_one(&wq);
}

bool net_post(struct net_work *work)
{
	unsigned long flags = spin_lock_irqsave(&work_lock);
	bool queued = work->queued;

	if (!queued) {
		work->queued = true;
		list_add_tail(&work->link, &work_list);
	}
	spin_unlock_irqrestore(&work_lock, flags);
	if (!queued && !net_is_owner())
		net_wake();
	return !queued;
}

struct call {
	struct net_work work;
	void (*fn)(void *arg);
	void *arg;
	struct waitq done_wq;
	bool done;
	spinlock_t lock;
};

static void run_call(struct net_work *work)
{
	struct call *call = container_of(work, struct call, work);
	unsigned long flags;

	call->fn(call->arg);
	/* The caller's stack holds this: it goes on only after the lock is free. */
	flags = spin_lock_irqsave(&call->lock);
	call->done = true;
	waitq_wake_all(&call->done_wq);
	spin_unlock_irqrestore(&call->lock, flags);
}

static bool call_done(struct call *call)
{
	unsigned long flags = spin_lock_irqsave(&call->lock);
	bool done = call->done;

	spin_unlock_irqrestore(&call->lock, flags);
	return done;
}

void net_call(void (*fn)(void *arg), void *arg)
{
	struct call call = { .work.fn = run_call, .fn = fn, .arg = arg };

	if (net_is_owner()) {
		fn(arg);
		return;
	}
	waitq_init(&call.done_wq);
	spin_init(&call.lock);
	net_post(&call.work);
	wait_event(&call.done_wq, call_done(&call));
}

static bool work_waits(void)
{
	return !list_empty(&work_list);
}

static void run_work(void)
{
	unsigned long flags = spin_lock_irqsave(&work_lock);

	while (work_waits()) {
		struct net_work *work = list_first_entry(&work_list, struct net_work, link);

		list_del(&work->link);
		work->queued = false;
		spin_unlock_irqrestore(&work_lock, flags);
		work->fn(work);
		flags = spin_lock_irqsave(&work_lock);
	}
	spin_unlock_irqrestore(&work_lock, flags);
}

static uint64_t next_deadline(void)
{
	uint64_t now = clock_now_ns();
	uint32_t ms = sys_timeouts_sleeptime();

	if (by_clock || netif_tx_stuck())
		return now + POLL_INTERVAL_NS;
	return ms == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? WAIT_FOREVER : now + ms * NSEC_PER_MSEC;
}

/* After sleeping to a deadline: were there frames that an interrupt should have told of? */
static void watch_irqs(bool woken, bool found)
{
	static unsigned finds;

	if (by_clock || woken || !found || netif_irqs_arrive() || ++finds < FINDS_WITHOUT_IRQ)
		return;
	by_clock = true;
	kprintf("net: the card's interrupts do not arrive: looking at it each ms instead\n");
}

static void net_loop(void)
{
	bool woken = true;

	for (;;) {
		bool found = netif_poll_cards();

		watch_irqs(woken, found);
		do {
			run_work();
			sys_check_timeouts();
			choose_if_due();
		} while (netif_poll_cards() || work_waits());
		netif_unmask_irqs();
		woken = wait_event_timeout(&wq, netif_irq_pending() || work_waits(),
					   next_deadline());
	}
}

static void net_thread(void *arg)
{
	(void)arg;
	owner = thread_current();
	lwip_init();
	netif_find_cards();
	announce_start();
	bench_start();
	ifconfig_init();
	choose_start();
	net_loop();
}

static void look_if_quiet(void *arg)
{
	*(bool *)arg = transport_quiet();
}

static void look_if_alone(void *arg)
{
	*(bool *)arg = !transport_sessions();
}

/* Sleeps until what this looks for is true, but not for ever: a home may have gone without a word. */
static void wait_until(void (*look)(void *result))
{
	uint64_t now = clock_now_ns(), end = now + SHUTDOWN_WAIT_NS;
	bool result = false;

	for (; now < end; now = clock_now_ns()) {
		net_call(look, &result);
		if (result)
			return;
		sleep_until(now + SHUTDOWN_LOOK_NS);
	}
}

static void part(void *arg)
{
	announce_goodbye();
	transport_close(arg);
}

static void close_cards(void *arg)
{
	(void)arg;
	netif_close_cards();
}

void net_shutdown(const char *why)
{
	wait_until(look_if_quiet);
	net_call(part, (void *)why);
	wait_until(look_if_alone);
	/* A card that is closed forgets frames it has not sent yet. */
	sleep_until(clock_now_ns() + SHUTDOWN_LOOK_NS);
	net_call(close_cards, NULL);
}

void net_init(void)
{
	if (!kthread_create("net", net_thread, NULL))
		panic("no memory for the network thread");
}
