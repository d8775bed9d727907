/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders that come from a home (mosctl). Each gets a thread, since it may wait for guests to leave.
 * It goes on when whoever gave it has left meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/guest/session.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/orders.h"
#include "kernel/proc/thread.h"
#include "kernel/settings.h"

/* At once, of all homes: what somebody who sends ever more of them can make us spend. */
#define ORDERS_MAX 16

static unsigned running; /* atomic */

struct remote_order {
	struct session *s;
	uint32_t id;
	struct wire_order order;
	char who[WIRE_NAME_MAX + 64];
	struct order_out out;
	char text[WIRE_ORDERED_MAX + 1];
};

static void answer(struct session *s, uint32_t id, bool last, int result, const char *text,
		   size_t len, unsigned how)
{
	struct wire_ordered head = { .result = last ? result : 0 };
	struct part parts[2] = { { &head, sizeof(head) }, { text, len } };

	conn_send(s->conn, W_ORDERED, last ? WF_LAST : 0, 0, id, parts, len ? 2 : 1, how);
}

static void deliver(struct order_out *out, bool last, int result)
{
	struct remote_order *r = out->arg;

	answer(r->s, r->id, last, result, out->text, out->len, 0);
}

static void remote_free(struct remote_order *r)
{
	session_put(r->s);
	kfree(r);
	__atomic_sub_fetch(&running, 1, __ATOMIC_RELEASE);
}

static void carry_out(void *arg)
{
	struct remote_order *r = arg;

	order_run(r->order.line, &r->out);
	remote_free(r);
}

static void refuse(struct session *s, uint32_t id, int result, const char *text)
{
	answer(s, id, true, result, text, strlen(text), SEND_NOWAIT);
}

/* May orders come from the network at all? */
static bool from_homes(void)
{
	const char *control = setting_get("control");

	return !control || strcmp(control, "menu") != 0;
}

const char *guest_on_order(struct session *s, const struct wire_hdr *hdr, const void *payload)
{
	const char *bad = wire_check_order(payload);
	struct remote_order *r;

	if (bad)
		return bad;
	if (!from_homes()) {
		kprintf("order: %s from %s (%s) refused: control=menu\n",
			((const struct wire_order *)payload)->line, s->home.name, s->peer);
		refuse(s, hdr->id, -EPERM,
		       "this node takes orders only at its own menu (it was started with "
		       "control=menu)\n");
		return NULL;
	}
	if (__atomic_add_fetch(&running, 1, __ATOMIC_ACQUIRE) > ORDERS_MAX) {
		__atomic_sub_fetch(&running, 1, __ATOMIC_RELAXED);
		refuse(s, hdr->id, -EAGAIN, "too many orders are under way: try again\n");
		return NULL;
	}
	r = kzalloc(sizeof(*r));
	if (!r) {
		__atomic_sub_fetch(&running, 1, __ATOMIC_RELAXED);
		refuse(s, hdr->id, -ENOMEM, "the node has no memory for an order\n");
		return NULL;
	}
	r->s = session_get(s);
	r->id = hdr->id;
	memcpy(&r->order, payload, sizeof(r->order));
	snprintf(r->who, sizeof(r->who), "%s, %s, uid %u", s->home.name, s->peer, s->home.uid);
	r->out = (struct order_out){ .text = r->text, .size = sizeof(r->text), .deliver = deliver,
				     .arg = r, .who = r->who };
	if (!kthread_create("order", carry_out, r)) {
		refuse(s, hdr->id, -ENOMEM, "the node has no memory for an order\n");
		remote_free(r);
	}
	return NULL;
}
