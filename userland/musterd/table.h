/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node table: who announced himself, and under which number he is known. Time comes in as an
 * argument (monotonic milliseconds), so the rules can be tested without waiting. No locks: one
 * thread.
 */
#ifndef USERLAND_MUSTERD_TABLE_H
#define USERLAND_MUSTERD_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/announce.h"

#define TABLE_NUMBER_MAX 999999u

struct table_node {
	unsigned number;
	bool alive; /* else what is known of its machine is kept, above all the number */
	char addr[INET_ADDRSTRLEN];
	uint16_t port;
	uint64_t heard_ms;	/* 0: not by this musterd */
	int64_t seen_s;		/* then when, in seconds since 1970; see table_seen() */
	struct announce last;	/* of one not heard: name and mac only */
};

struct table {
	struct table_node *nodes;	/* by number, ascending */
	unsigned count, size;
};

enum table_event {
	TABLE_SAME,	/* a known node said again that it is there */
	TABLE_CHANGED,	/* the same, at another address or with another name */
	TABLE_NEW,
	TABLE_BACK,	/* a node that was gone, or its machine after a restart */
	TABLE_BYE,
	TABLE_OLD,	/* a duplicate, or overtaken on the way: nothing changed */
	TABLE_FULL,	/* no memory for it */
};

/*
 * Takes an announcement that announce_check() found right, from sender (IPv4, network order).
 * *node is the entry it is about, valid until the next call; NULL for TABLE_FULL and for the
 * goodbye of somebody unknown.
 */
enum table_event table_hear(struct table *t, const struct announce *a, uint32_t sender,
			    uint64_t now_ms, const struct table_node **node);

/* Marks what has been silent for too long; calls fn (may be NULL) for each. */
void table_expire(struct table *t, uint64_t now_ms, void (*fn)(const struct table_node *node));

/*
 * Adds one that an earlier musterd heard, of which number to seen_s and last are given. 0, -EEXIST,
 * -ENOMEM.
 */
int table_recall(struct table *t, const struct table_node *node);

/* When it was heard last, in seconds since 1970, by what both clocks say now. */
int64_t table_seen(const struct table_node *n, uint64_t now_ms, int64_t now_s);

void table_free(struct table *t);

#endif
