/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node a user means. */
#ifndef USERLAND_DEPUTY_WHICHNODE_H
#define USERLAND_DEPUTY_WHICHNODE_H

#include "userland/lib/nodes.h"

/*
 * By number, name or address as nodes_find() does; an address that nobody hears announcements
 * from is taken as it stands, and one with `:PORT` needs no musterd at all (then `last` is zero). 0, or a
 * negative errno with err (CONTROL_ERR_MAX bytes) filled.
 */
int whichnode(const char *which, struct node *node, char *err);

#endif
