/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the user typed to an address: see whichnode.h. */
#include "userland/deputy/whichnode.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A.B.C.D or A.B.C.D:PORT. */
static bool parse_address(const char *which, struct node *node, bool *with_port)
{
	const char *colon = strchr(which, ':');
	size_t len = colon ? (size_t)(colon - which) : strlen(which);
	struct in_addr in;
	char *end;
	long port;

	if (len >= sizeof(node->addr))
		return false;
	memset(node, 0, sizeof(*node));
	memcpy(node->addr, which, len);
	node->port = MUSTER_PORT;
	*with_port = colon != NULL;
	if (colon) {
		port = strtol(colon + 1, &end, 10);
		if (!colon[1] || *end || port < 1 || port > 65535)
			return false;
		node->port = (uint16_t)port;
	}
	if (inet_pton(AF_INET, node->addr, &in) != 1)
		return false;
	snprintf(node->name, sizeof(node->name), "%s", node->addr);
	return true;
}

int whichnode(const char *which, struct node *node, char *err)
{
	struct node direct;
	bool with_port = false, address = parse_address(which, &direct, &with_port);
	int rc = -1;

	if (!address || !with_port)
		rc = nodes_find(which, node, err);
	if (rc && address) {
		*node = direct;
		rc = 0;
	}
	return rc;
}
