/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes that no session survives: of the address, of the card. Homes are told that the node leaves,
 * and have the time to hear it; it announces itself again as soon as it can be reached.
 */
#include <string.h>

#include "lwip/timeouts.h"
#include "net/announce.h"
#include "net/internal.h"

#define LOOK_MS 20
#define WAIT_MS 2500 /* transport.c gives a peer 2 s to fetch the reason */

static void (*waiting[4])(void);
static unsigned waiting_count;
static uint64_t since_ms;

static void look(void *arg)
{
	(void)arg;
	if (transport_sessions() && net_ms_since_entry() - since_ms < WAIT_MS) {
		sys_timeout(LOOK_MS, look, NULL);
		return;
	}
	for (unsigned i = 0; i < waiting_count; i++)
		waiting[i]();
	waiting_count = 0;
	/* The address may be what it was. */
	announce_now();
}

void sessions_end_then(const char *why, void (*then)(void))
{
	for (unsigned i = 0; i < waiting_count; i++)
		if (waiting[i] == then)
			return;
	announce_stopped();
	transport_refuse_all(why);
	waiting[waiting_count++] = then;
	if (waiting_count > 1)
		return;
	since_ms = net_ms_since_entry();
	look(NULL);
}
