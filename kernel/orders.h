/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What whoever runs a node may tell it: from its menu, its serial line, or from home (mosctl). An
 * order is one line of words; proto/orders.def is the table of them, for the menu, mosctl and
 * `help`, too.
 */
#ifndef KERNEL_ORDERS_H
#define KERNEL_ORDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/limits.h"

/*
 * Where the answer goes: a text for people, lines that end in \n, without other control characters.
 * The buffer is the caller's, who sets text and size (at least 2) and zeroes the rest; after
 * order_run() it ends in \0. All but the hook's fields are for the caller to read, and for
 * order_print() to change.
 *
 * deliver, if there is one, is called in the thread of order_run(), may sleep, and takes
 * text[0..len): when the buffer is full, when a long order has something to say, and, with last,
 * exactly once at the end with the result, which for an order that stops the machine is before it
 * stops. Without it, what does not fit into the buffer is cut off.
 */
struct order_out {
	char *text;
	size_t size, len;
	void (*deliver)(struct order_out *out, bool last, int result);
	void *arg;	/* the caller's own */
	const char *who;	/* gives the order, for the log; NULL: somebody at the machine */
	bool ended;	/* the last text was delivered */
};

struct order {
	const char *name, *args, *help;	/* args: for people, e.g. "on|off"; "" for none */
	bool looks;	/* and changes nothing: not worth a line in the log */
	/* args: what follows the name, without blanks around it; may be cut up. 0 or -errno. */
	int (*run)(char *args, struct order_out *out);
};

#define ORDER_LINE_MAX WIRE_ORDER_MAX /* bytes of a line, its end included */

/* proto/orders.def; the last entry has no name. */
extern const struct order orders[];

/*
 * Carries out one line; its result, 0 or -errno, with the reason in out's text. -EINVAL: no such
 * order, or not with these arguments. May take as long as guests need to go home, and an order that
 * stops the machine does not return. Thread context, not the network thread; several may run at
 * once.
 */
int order_run(const char *line, struct order_out *out);

/* For orders: more of the answer. */
void order_print(struct order_out *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For long orders: what was printed so far should be seen now. */
void order_flush(struct order_out *out);

/*
 * The result is known; for orders after which nobody could say it. Otherwise order_run() does this.
 */
void order_end(struct order_out *out, int result);

/* Cuts the next word off *args; NULL when there is none. */
char *order_word(char **args);

#endif
