/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node asks a stub to do, as a queue for each stub: forwarded calls, mmap, fork, stop, exit.
 * Done strictly in the order it came; a call that blocks holds up those behind it (of this stub only),
 * as it would in the program itself. Order between stubs of a process: backlog.h.
 */
#ifndef USERLAND_DEPUTY_CALL_H
#define USERLAND_DEPUTY_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/list.h"
#include "proto/syscalls.h"
#include "proto/wire.h"

struct session;
struct stub;

#define CALLS_BYTES_MAX (64u << 20)	/* queued for one stub: more is no program's doing */

struct call {
	struct list_head link;
	struct wire_hdr hdr;		/* type says which */
	bool running;
	uint64_t since_ns;		/* running, loop_now(): it waits for so long already */
	/* W_CALL */
	struct wire_call head;
	struct wire_buf bufs[WIRE_BUFS_MAX];
	uint64_t addr[WIRE_BUFS_MAX];	/* of the buffers in the stub */
	/* The content of a W_CALL (fixups, then IN buffers); the payload of any other message. */
	size_t len;
	uint8_t *bytes;
};

/* Bytes of a pointer that a fixup sets. */
static inline unsigned call_pointer_size(const struct call *call)
{
	return sys_is_i386(call->head.nr) ? 4 : 8;
}

/* DATA and CALL, and any other message to be done in order. NULL, or what is wrong with it. */
const char *call_data(struct stub *stub, const struct wire_hdr *hdr, const void *payload);
const char *call_message(struct stub *stub, const struct wire_hdr *hdr, const void *payload);

/* The node has been interrupted in the call with that id. */
void call_abort(struct stub *stub, uint32_t id);
/* Is that the one that is running? */
bool call_running(struct stub *stub, uint32_t id);

/* The first in the queue, or NULL. */
struct call *call_first(struct stub *stub);
/* It is done, and answered if it wanted that. */
void call_drop(struct stub *stub, struct call *call);
/* Frees all, without answers. */
void call_forget(struct stub *stub);

/* --- execution (callrun.c) --- */

/*
 * Begins a W_CALL: puts its buffers into the stub and sets the registers. 0: the stub is to be
 * resumed; 1: it has been answered already; or a negative errno: the stub is dying.
 */
int call_begin(struct stub *stub, struct call *call);
/* It has returned ret: brings the buffers back and answers. */
void call_end(struct stub *stub, struct call *call, int64_t ret);
/* An answer without content. */
void call_reply(struct stub *stub, const struct call *call, int64_t ret);

/* mmap of a file (callmmap.c): done at once. */
void call_mmap(struct stub *stub, struct call *call);

#endif
