/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's announcements (proto/announce.h): one each second to the multicast group, and to
 * home= where multicast does not reach.
 */
#ifndef NET_ANNOUNCE_H
#define NET_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

/* Says that the node leaves. Any thread; returns when it has been sent. */
void announce_goodbye(void);

/* Says from now on that the node takes no guests (or does again). Any thread. */
void announce_closed(bool closed);

/* This boot's identity, as announced and as HELLO gives it: 16 bytes. Constant; any context. */
const uint8_t *announce_id(void);

/* The node's name: name= or "node-" and the end of its hardware address. Any context. */
const char *announce_name(void);

/* The TCP port of sessions: port= or MUSTER_PORT. Any context. */
uint16_t announce_port(void);

/* How many guests run here; the session code defines it. */
unsigned guest_count(void);

#endif
