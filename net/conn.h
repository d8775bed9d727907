/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection, as transport.c and txqueue.c share it.
 *
 * The network thread owns all of it, but for what `lock` guards: the queues of messages to be sent
 * and the way the connection is to end, which any thread may touch.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "kernel/list.h"
#include "kernel/sync/spinlock.h"
#include "kernel/sync/waitq.h"
#include "lwip/tcp.h"
#include "net/framing.h"
#include "net/net.h"
#include "net/transport.h"

/* How many real segments lwIP puts into one where the card cuts them (TSO). */
#define TSO_SEGMENTS 16

/* In order of severity: a later one may replace an earlier one. */
enum conn_end {
	CONN_OPEN,
	CONN_REFUSE, /* say why, then close */
	CONN_CLOSE,  /* the peer has closed */
	CONN_ABORT,
};

enum { TX_URGENT, TX_BULK, TX_QUEUES };

struct conn {
	uint32_t refs;	       /* atomic */
	struct tcp_pcb *pcb;   /* NULL once lwIP has given it up or it was detached */
	struct list_head link; /* while the transport knows it */
	struct net_work work;
	void *owner;
	char peer[24];
	bool told; /* closed() has been called */
	unsigned quiet_ticks; /* since home was last heard */
	uint64_t linger_until;
	struct framing rx;
	bool answered; /* the last message was an answer that a guest waits for */

	spinlock_t lock;
	enum conn_end end;
	enum wire_reason code;
	char why[WIRE_REASON_MAX];
	struct list_head queue[TX_QUEUES]; /* of struct txmsg, not begun */
	size_t queued[TX_QUEUES];	   /* bytes in them */
	struct waitq room;		   /* threads that wait for a queue to shrink */

	struct txmsg *sending;	  /* being handed to TCP */
	struct list_head unacked; /* handed over without copying: kept until acknowledged */
	uint64_t written, acked;  /* bytes of the stream */
};

/* Has the network thread run the connection's work. Any context. */
void conn_post(struct conn *conn);

/* Ends it abruptly. Any context. */
void conn_fail(struct conn *conn, const char *why);

/* Sets up a new connection for low latency and high rate. */
void tcp_tune(struct tcp_pcb *pcb);

/* txqueue.c; all on the network thread. */
void txqueue_init(struct conn *conn);
void txqueue_push(struct conn *conn); /* hands TCP as much as it takes */
void txqueue_acked(struct conn *conn, unsigned len);
void txqueue_refuse(struct conn *conn); /* drops what has not begun, queues REFUSE */
void txqueue_drop(struct conn *conn);	/* frees everything; the pcb is gone */
bool txqueue_empty(const struct conn *conn);

#endif
