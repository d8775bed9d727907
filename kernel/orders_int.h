/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each order does, for the table in orders.c: struct order's run. */
#ifndef KERNEL_ORDERS_INT_H
#define KERNEL_ORDERS_INT_H

#include "kernel/orders.h"

#define ORDER(name, args, kind, help) int order_##name(char *line, struct order_out *out);
#include "proto/orders.def"
#undef ORDER

/*
 * Sends all guests home as `expel` does, telling out; 0 or -errno. Holds the node closed only
 * meanwhile.
 */
int order_send_home(struct order_out *out, const char *why);

#endif
