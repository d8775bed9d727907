/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session between this deputy and one node: connected when first needed, shared by all its
 * guests there. What travels on the stream is transport.c's; nothing else touches the socket.
 *
 * Messages are queued, never sent at once: urgent ones in order, bulk ones in order behind them. A
 * bulk message never delays an urgent one by more than itself. Everything is copied.
 */
#ifndef USERLAND_DEPUTY_SESSION_H
#define USERLAND_DEPUTY_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "kernel/list.h"
#include "proto/wire.h"

struct node;
struct session;
struct stub;

/* The session to that node, connecting if there is none. Never NULL; it may turn out to be lost. */
struct session *session_to(const struct node *node);
/* After each turn of the loop: sends what was queued, frees lost sessions. */
void sessions_run(void);

/* What is known of the node; valid once the session is up. */
const struct wire_hello *session_node(const struct session *session);
const char *session_name(const struct session *session);
bool session_up(const struct session *session);
/* Of the node, as musterd numbers it; 0 if it was given by address only. */
unsigned session_number(const struct session *session);

/* Queues one message. A lost session swallows it. */
void session_send(struct session *session, unsigned type, unsigned flags, uint32_t tid, uint32_t id,
		  const struct iovec *iov, int niov);
/* One that may wait: pages that nobody is blocked on. Ordered among each other only. */
void session_send_bulk(struct session *session, unsigned type, unsigned flags, uint32_t tid,
		       uint32_t id, const struct iovec *iov, int niov);
/* The same with a single payload; len 0 for none. */
void session_send1(struct session *session, unsigned type, unsigned flags, uint32_t tid,
		   uint32_t id, const void *payload, uint32_t len);

/* Sends the node our clocks: right before a process goes on there. */
void session_send_clocks(struct session *session);

/* A fresh id for a request of ours. */
uint32_t session_id(struct session *session);

/*
 * Bulk with back-pressure: while the bulk queue is short, produce() is called, round robin over all
 * sources; it queues one message or a few by session_send_bulk() and returns whether it has
 * more. Embedded in its owner, who stops it before going away.
 */
struct bulk_source {
	struct list_head link;
	bool (*produce)(struct bulk_source *source, struct session *session);
};
void session_bulk_start(struct session *session, struct bulk_source *source);
void session_bulk_stop(struct bulk_source *source);
void bulk_source_init(struct bulk_source *source,
		      bool (*produce)(struct bulk_source *source, struct session *session));

/*
 * Ends the session because the node sent what no correct node sends, or by will. All its guests
 * are lost. Deferred: callbacks in progress go on safely.
 */
void session_fail(struct session *session, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
