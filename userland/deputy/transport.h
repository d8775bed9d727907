/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream to a node: connecting, frames in, frames out. Nothing else touches the socket, so
 * that encryption has one place to go. Frames are checked by wire_check() before they are given on.
 */
#ifndef USERLAND_DEPUTY_TRANSPORT_H
#define USERLAND_DEPUTY_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "proto/wire.h"

struct transport;

/* Called from the loop; none of them may free the transport (transport_close() later does). */
struct transport_ops {
	void (*up)(void *arg);	/* connected */
	/* One frame; payload is aligned for any struct and dies with the call. NULL or what is wrong. */
	const char *(*message)(void *arg, const struct wire_hdr *hdr, void *payload);
	void (*down)(void *arg, const char *why);	/* for good; called once */
};

/* addr: dotted quad. NULL with *why set if it cannot even begin. */
struct transport *transport_connect(const char *addr, uint16_t port,
				    const struct transport_ops *ops, void *arg, const char **why);

/* Queues a frame (a copy); urgent ones overtake bulk ones. Sent by transport_flush(). */
void transport_send(struct transport *t, bool bulk, const struct wire_hdr *hdr,
		    const struct iovec *iov, int niov);
size_t transport_bulk_queued(const struct transport *t);	/* bytes */
void transport_flush(struct transport *t);

/* Frees it; not from within its callbacks. */
void transport_close(struct transport *t);

#endif
