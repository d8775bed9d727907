/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends all guests home, and waits until nothing of theirs is left here. */
#include <errno.h>

#include "kernel/guest/guest.h"
#include "kernel/guest/pager.h"
#include "kernel/guest/session.h"
#include "kernel/proc/proc.h"
#include "kernel/time/clock.h"
#include "net/net.h"

/*
 * Children that are born meanwhile, and those that home did not take the first time, are asked this
 * often.
 */
#define ROUND_NS (100 * NSEC_PER_MSEC)
#define TELL_NS NSEC_PER_SEC

struct expulsion {
	const char *why;
	unsigned memories;	/* of processes that have left */
};

static void expel_session(struct session *s, void *arg)
{
	struct expulsion *e = arg;
	struct guest *g;

	spin_lock(&s->lock);
	list_for_each_entry(g, &s->guests, link)
		proc_recall(g->proc, WHY_LEAVING, e->why);
	spin_unlock(&s->lock);
	e->memories += guest_ghosts(s);
}

static void nothing(void *arg)
{
	(void)arg;
}

int guest_expel(const char *why, unsigned patience_s,
		void (*tell)(void *arg, unsigned guests, unsigned memories), void *arg)
{
	struct expulsion e = { .why = why };
	uint64_t now = clock_now_ns(), moved = now, told = now, fetched = 0;
	unsigned first, guests, before = 0;
	int err;

	guest_leaving(true);
	/* An image that is just being completed is a guest afterwards; a later one is refused. */
	net_call(nothing, NULL);
	first = guest_count();
	for (;;) {
		/* In this order: who leaves has a memory before it is no guest any more. */
		guests = guest_count();
		e.memories = 0;
		session_for_each(expel_session, &e);
		err = (int)first;
		if (!guests && !e.memories)
			break;
		now = clock_now_ns();
		if (guests + e.memories != before || guest_pages_fetched() != fetched)
			moved = now;
		before = guests + e.memories;
		fetched = guest_pages_fetched();
		err = -ETIMEDOUT;
		if (now - moved > patience_s * NSEC_PER_SEC)
			break;
		if (tell && now - told >= TELL_NS) {
			told = now;
			tell(arg, guests, e.memories);
		}
		sleep_until(now + ROUND_NS);
	}
	guest_leaving(false);
	return err;
}
