/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes that this home hears, as musterd knows them. A musterd is started if there is none. */
#ifndef USERLAND_LIB_NODES_H
#define USERLAND_LIB_NODES_H

#include <netinet/in.h>
#include <stdint.h>

#include "proto/announce.h"
#include "userland/lib/control.h"

struct node {
	unsigned number;	/* 1.., kept for a machine as long as musterd lives */
	char name[WIRE_NAME_MAX];
	char addr[INET_ADDRSTRLEN];	/* where its sessions are */
	uint16_t port;		/* host order */
	unsigned age_ms;	/* since it was last heard */
	struct announce last;	/* checked */
};

/*
 * All nodes heard lately, by number. A musterd that has just started is given the time of one
 * announcement before it answers, so the first call may take a second. Returns their count, and in
 * *nodes an array to free(); or a negative errno, with err (CONTROL_ERR_MAX bytes) filled.
 */
int nodes_query(struct node **nodes, char *err);

/*
 * The nodes that a list names: numbers, names and addresses, with commas between, or `all`. An
 * address, A.B.C.D or A.B.C.D:PORT, need not be heard: its number is then 0, and its name the
 * address. Each once, in the order of the list. Returns as nodes_query(), or as nodes_find() for
 * the first that is wrong.
 */
int nodes_select(const char *list, struct node **nodes, char *err);

/*
 * Asks musterd, and starts a private one if there is none: as control_call(), of CONTROL_MUSTERD.
 */
int nodes_ask(const char *request, control_line_fn *fn, void *arg, char *err);

/*
 * One node by its number, name, or address with or without `:port`. Returns 0, -ENOENT (err then
 * names what there is), -EINVAL if a name fits several, or another negative errno.
 */
int nodes_find(const char *which, struct node *node, char *err);

/* The UDP port of the announcements: $MUSTER_PORT, else MUSTER_PORT. */
uint16_t nodes_port(void);

#endif
