/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a byte stream into messages (struct wire_hdr and its payload). Portable: knows neither
 * lwIP nor the kernel, and is fuzzed on the host. No locking: whoever owns the struct calls.
 */
#ifndef NET_FRAMING_H
#define NET_FRAMING_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

struct framing {
	struct wire_hdr hdr; /* of the message under way, as far as it is there */
	uint32_t have;	     /* bytes of header and payload seen so far */
	uint8_t *payload; /* what is there of it; malloc()ed, only while a message is under way */
	int to_node;	  /* wire_check()'s */
};

/* A whole message; payload is 8-byte aligned and valid during the call. NULL, or what is wrong. */
typedef const char *(*framing_fn)(void *ctx, const struct wire_hdr *hdr, const void *payload);

void framing_init(struct framing *f, int to_node);

/* Forgets a message under way and its memory. */
void framing_reset(struct framing *f);

/*
 * Takes len bytes of the stream and calls fn for every message that they complete; a message
 * that lies in data whole and aligned is not copied. Returns NULL, or what is wrong with the
 * stream (also what fn said): nothing more may be fed then.
 */
const char *framing_feed(struct framing *f, const void *data, size_t len, framing_fn fn, void *ctx);

#endif
