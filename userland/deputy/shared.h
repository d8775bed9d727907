/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that several processes of the job write (MAP_SHARED). While all of them are guests of one
 * node, the node has the one copy; when they come home, together, it puts what it has changed into the
 * stubs' mappings first.
 */
#ifndef DEPUTY_SHARED_H
#define DEPUTY_SHARED_H

#include <stdint.h>

#include "proto/wire.h"

struct call;
struct session;
struct stub;

/* A name for new shared memory of len bytes, all zeros. */
void shared_identity_new(uint64_t len, struct wire_file *file);

/* W_PUT for a stub, or for one that has ended. NULL, or what is wrong with it. */
const char *shared_put(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
		       const void *payload);
/* The same, when what was before it in the stub's queue is done. */
void shared_put_queued(struct stub *stub, struct call *call);

#endif
