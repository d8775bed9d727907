/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image out: what a node needs to run a process, read out of its stopped stub, and its pages,
 * served from the stub until the node needs it no more.
 *
 * move.c drives it: image_send(), then image_running() when the node runs it or image_abort() when
 * it never will. Between, the stub is STUB_LEAVING, stopped, its mask SIGMASK_FROZEN, its agent
 * mapped. None of this may resume the stub other than by inject_call().
 */
#ifndef USERLAND_DEPUTY_IMAGE_H
#define USERLAND_DEPUTY_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

struct session;
struct stub;

/*
 * The stub has just been frozen: stub->regs are its own, nothing has been injected yet. Inside a
 * restartable sequence (rseq(2)) it goes on at the abort handler, as after any preemption. (Linux
 * would forget the sequence when a call is injected.)
 */
void image_settle(struct stub *stub);

/* Before the freeze: reads what takes long to read. Its result is used up by the move. */
void image_look(struct stub *stub);
void image_look_forget(struct stub *stub);
/* After the move: has a mapping become, between look and freeze, one that cannot move? */
bool image_misjudged(struct stub *stub);

/*
 * Queues IMG_BEGIN to IMG_COMMIT. flags: IMG_FRESH. Returns 0, or a negative errno with *why set if
 * the process cannot move: then nothing was queued and the stub is as it was.
 */
int image_send(struct stub *stub, struct session *session, unsigned flags, struct wire_text *why);

/* IMG_RUNNING came: the node has it. Takes from the stub what must not stay (rseq, ...). */
void image_running(struct stub *stub);

/* IMG_REFUSED came, or the session was lost before IMG_RUNNING: undoes what image_send() did. */
void image_abort(struct stub *stub);

/* IMG_DONE came: the node has fetched all; the stub's private pages may be dropped. */
void image_done(struct stub *stub);

/*
 * PAGE_GET came (hdr: its id, and WF_BULK if nobody waits for the answer). stub NULL: there is no such
 * process any more, the answer says so. NULL, or what is wrong with it.
 */
const char *image_page_get(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
			   const struct wire_page_get *get);

/*
 * The stub is idle (stopped in its agent): does what image_done() could not while it was busy. Cheap
 * when there is nothing to do.
 */
void image_idle(struct stub *stub);
/* There is something to do: a stub that is parked in its pause is worth waking. */
bool image_wants_idle(const struct stub *stub);

/* The stub's fork has made this child, away too, its memory a copy of the parent's as it is here. */
void image_forked(struct stub *parent, struct stub *child);

/* The process has ended, or been replaced by execve, or was lost: frees stub->image. Any state. */
void image_forget(struct stub *stub);

/* Bytes that the running move has named to be fetched, and that were fetched until now. */
uint64_t image_bytes(const struct stub *stub);

#endif
