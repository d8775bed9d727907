/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes and defaults that both halves must agree on. Units are in the names or beside them. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

#define MUSTER_PORT		7746		/* UDP announcements and TCP sessions */
#define MUSTER_GROUP		"239.77.83.84"	/* multicast group of the announcements */
#define ANNOUNCE_INTERVAL_MS	1000
#define ANNOUNCE_EXPIRY_MS	5000		/* a node silent for this long is gone */

#define WIRE_PAGE_SIZE		4096u
#define WIRE_PAGES_MAX		16u		/* pages in one W_PAGES message */
#define WIRE_PAYLOAD_MAX	(WIRE_PAGES_MAX * WIRE_PAGE_SIZE + 1024u) /* bytes after a header */
#define WIRE_CALL_MAX		(16u << 20)	/* bytes that one forwarded call carries each way */
#define WIRE_CALL_SMALL		(32u << 10)	/* and one of a 32-bit program's thread other than the first */
#define WIRE_BUFS_MAX		8u		/* buffers of one forwarded call */
#define WIRE_FIXUPS_MAX		65536u		/* pointers inside its buffers (argv, envp) */
#define WIRE_PAGE_GET_MAX	512u		/* pages in one W_PAGE_GET */
#define WIRE_XSTATE_MAX		12288u		/* bytes of XSAVE area, standard format */
#define WIRE_ORDER_MAX		256u		/* bytes of an order's line, NUL included */
#define WIRE_ORDERED_MAX	4096u		/* bytes of text in one W_ORDERED */
#define WIRE_REASON_MAX		200u		/* bytes of a reason for people */
#define WIRE_NAME_MAX		32u		/* bytes of a node or host name, NUL included */
#define WIRE_CPU_WORDS		8u		/* see enum cpu_word in cpufeatures.h */
#define WIRE_CPUSET_WORDS	16u		/* home's CPU numbers, 64 bits a word */

/*
 * Bits of personality(2) that change nothing of what a node does: PER_LINUX32 (uname), ADDR_NO_RANDOMIZE
 * and UNAME26.
 */
#define PERSONALITY_HARMLESS	0x0060008u

#define SESSION_SILENCE_MS	5000		/* a peer that says nothing for this long is dead */
#define SESSION_PING_MS		1000		/* each side says at least this often that it lives */

#endif
