/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The announcement: one UDP datagram a second from each node to the multicast group, and to home=
 * where multicast does not reach. Little endian, this struct is the datagram.
 */
#ifndef PROTO_ANNOUNCE_H
#define PROTO_ANNOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"
#include "proto/version.h"

#define ANNOUNCE_MAGIC 0x4152544dU /* "MTRA" */

enum {
	ANNOUNCE_GOODBYE = 1,	/* the node leaves: forget it now */
	ANNOUNCE_CLOSED = 2,	/* takes no guests */
};

struct announce {
	uint32_t magic;
	uint16_t version;	/* WIRE_VERSION */
	uint16_t flags;		/* ANNOUNCE_* */
	uint8_t id[16];		/* random, new with each boot */
	uint8_t mac[6];
	uint16_t port;		/* TCP, of sessions */
	uint8_t ip[4];		/* network order; 0: the datagram's sender */
	uint32_t seq;		/* counts this node's announcements since its boot */
	uint32_t ncpu;
	uint32_t mhz;		/* measured TSC rate */
	uint32_t speed;		/* of one CPU, by a short loop at boot; see kernel/cpu/speed.c */
	uint32_t load;		/* runnable threads x 100, averaged */
	uint32_t guests;
	uint32_t cpu[WIRE_CPU_WORDS];	/* proto/cpufeatures.h */
	uint32_t reserved;
	uint64_t xcr0;
	uint64_t mem_total;	/* bytes */
	uint64_t mem_free;	/* bytes */
	uint64_t uptime_ms;
	char name[WIRE_NAME_MAX];	/* NUL-terminated */
	char program[16];	/* MUSTER_VERSION, NUL-terminated */
};

/* Returns NULL if these bytes are an announcement of our version, or what is wrong. */
const char *announce_check(const void *bytes, size_t len);

_Static_assert(sizeof(struct announce) == 176, "wire format");

#endif
