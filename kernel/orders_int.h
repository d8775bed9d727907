/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each order does, for the table in orders.c: struct order's run. */
#ifndef KERNEL_ORDERS_INT_H
#define KERNEL_ORDERS_INT_H

#include "kernel/orders.h"

typedef int order_fn(char *args, struct order_out *out);

order_fn order_status;			/* order_status.c */
order_fn order_accept, order_reboot;	/* order_node.c */

#endif
