/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status screen: what the node is, what it does, and what is wrong. collect.c finds it out,
 * status.c paints it.
 */
#ifndef KERNEL_SCREEN_STATUS_H
#define KERNEL_SCREEN_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/console/cells.h"
#include "kernel/guest/guest.h"
#include "net/net.h"

#define STATUS_GUESTS 64 /* that can be shown; more are counted */
#define STATUS_WARNINGS 8
#define STATUS_MESSAGES 4096 /* bytes of the log that are looked at for the last lines */

struct status_guest {
	struct guest_info info;
	unsigned percent; /* of one CPU, since the last collection */
};

struct status {
	struct net_status net;
	char card[8];	/* the name of the one in use, "" if there is none */
	unsigned cards; /* that have a driver */
	uint32_t mbit;	/* 0: unknown */
	uint64_t up_s;
	uint64_t rx_rate, tx_rate; /* bytes a second */
	unsigned cpus, load_milli;
	unsigned long mhz;
	uint64_t memory, memory_used; /* bytes */
	bool closed; /* takes no new guests */
	unsigned guests; /* all */
	unsigned listed; /* of them in guest[], busiest first */
	struct status_guest guest[STATUS_GUESTS];
	unsigned warnings;
	char warning[STATUS_WARNINGS][128];
	size_t messages_len;
	char messages[STATUS_MESSAGES];
};

/* Asks the network thread and all sessions: thread context, may sleep. One caller at a time. */
void status_collect(struct status *s);

/* hint: what the keys do, for the last row. */
void status_paint(struct picture *p, const struct status *s, const char *hint);

#endif
