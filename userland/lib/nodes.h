/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes that this home hears, as musterd knows them. A musterd is started if there is none. */
#ifndef USERLAND_LIB_NODES_H
#define USERLAND_LIB_NODES_H

#include <netinet/in.h>
#include <stdint.h>

#include "proto/announce.h"

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
 * One node by its number, name, or address with or without `:port`. Returns 0, -ENOENT (err then
 * names what there is), -EINVAL if a name fits several, or another negative errno.
 */
int nodes_find(const char *which, struct node *node, char *err);

/* The UDP port of the announcements: $MUSTER_PORT, else MUSTER_PORT. */
uint16_t nodes_port(void);

#endif
