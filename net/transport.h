/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The transport: framed, ordered messages between this node and a deputy over one TCP connection.
 * Nothing outside net/ knows that TCP, lwIP or (later) a cipher is underneath.
 *
 * The network thread owns lwIP and calls the operations below; an operation must not wait for
 * anything that comes from the network. conn_send() may be called from any thread.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

struct conn; /* reference counted: conn_get, conn_put */

struct conn_ops {
	/* A peer has connected; whatever is returned is conn_owner() from now on. */
	void *(*opened)(struct conn *conn);
	/*
	 * One whole, wire_check()ed message. payload is 8-byte aligned, hdr->len bytes, and only valid
	 * during the call. Return NULL, or what is wrong with it: the session then ends with it.
	 */
	const char *(*message)(struct conn *conn, const struct wire_hdr *hdr, const void *payload);
	/* The connection is gone, for this reason; last call for this conn. */
	void (*closed)(struct conn *conn, const char *why);
};

struct part {
	const void *data;
	size_t len;
};

/* Listens for sessions on the port; called once, after the network thread has started. */
void transport_listen(uint16_t port, const struct conn_ops *ops);

/*
 * Queues one message; parts are copied before it returns. Bulk messages (SEND_BULK) never delay others by
 * more than one message: they have a queue of their own, and a thread (not the network thread)
 * that queues too much sleeps until there is room. Returns 0 or -EPIPE when the connection is gone.
 * May sleep unless SEND_NOWAIT; SEND_NOWAIT never fails for lack of room. The network thread must
 * use SEND_NOWAIT.
 */
enum { SEND_BULK = 1, SEND_NOWAIT = 2 };
int conn_send(struct conn *conn, unsigned type, unsigned wf_flags, uint32_t tid, uint32_t id,
	      const struct part *parts, unsigned nparts, unsigned how);

/* Sends REFUSE with the reason (best effort) and closes. Any thread. */
void conn_refuse(struct conn *conn, enum wire_reason code, const char *text);

void *conn_owner(const struct conn *conn);
void conn_peer(const struct conn *conn, char *buf, size_t size); /* "10.0.0.1:1234" */
struct conn *conn_get(struct conn *conn);
void conn_put(struct conn *conn);

#endif
