/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives an order (proto/orders.def) to nodes, over a connection of its own to each. */
#ifndef USERLAND_LIB_TELL_H
#define USERLAND_LIB_TELL_H

#include "userland/lib/nodes.h"

struct tell_ops {
	/* A line of a node's answer, without its newline and free of control characters. */
	void (*line)(const struct node *node, const char *text, void *arg);
	/*
	 * The last word about this node. err is NULL: it answered, and result is 0 or -errno.
	 * Otherwise err says why there is no answer: it may or may not have carried the order out.
	 */
	void (*end)(const struct node *node, int result, const char *err, void *arg);
};

/* Tells all of them at the same time, and returns when each has answered or was given up. */
void tell(const char *order, const struct node *nodes, unsigned count, const struct tell_ops *ops,
	  void *arg);

#endif
