/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image out: what a node needs to run a process, read out of its stopped stubs, and its pages,
 * served from there until the node needs it no more.
 *
 * move.c drives it: image_send(), then image_running() when the node runs it or image_abort() when
 * it never will. Between, all its stubs are STUB_LEAVING, stopped, their mask SIGMASK_FROZEN, the
 * agent mapped. None of this may resume a stub other than by inject_call().
 */
#ifndef USERLAND_DEPUTY_IMAGE_H
#define USERLAND_DEPUTY_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

struct session;
struct process;
struct stub;

/*
 * The stub has just been frozen: stub->regs are its own, nothing has been injected yet. Inside a
 * restartable sequence (rseq(2)) it goes on at the abort handler, as after any preemption. (Linux
 * would forget the sequence when a call is injected.)
 */
void image_settle(struct stub *stub);

/*
 * Can this process move at all, by what /proc tells of it? 0, or a negative errno with *why set. To be
 * asked before anything is executed in it.
 */
int image_fits(struct stub *stub, struct wire_text *why);

/* Before the freeze: reads what takes long to read. Its result is used up by the move. */
void image_look(struct process *process);
void image_look_forget(struct process *process);
/* After the move: has a mapping become, between look and freeze, one that cannot move? */
bool image_misjudged(struct process *process);

/*
 * Queues IMG_BEGIN to IMG_COMMIT. flags: IMG_FRESH. Returns 0, or a negative errno with *why set if
 * the process cannot move: then nothing was queued and the stub is as it was.
 */
int image_send(struct process *process, struct session *session, unsigned flags, struct wire_text *why);

/* IMG_RUNNING came: the node has it. Takes from the stub what must not stay (rseq, ...). */
void image_running(struct process *process);

/* IMG_REFUSED came, or the session was lost before IMG_RUNNING: undoes what image_send() did. */
void image_abort(struct process *process);

/* IMG_DONE came: the node has fetched all; the stub's private pages may be dropped. */
void image_done(struct process *process);

/*
 * PAGE_GET came (hdr: its id, and WF_BULK if nobody waits for the answer). process NULL: there is no
 * such any more, the answer says so. NULL, or what is wrong with it.
 */
const char *image_page_get(struct process *process, struct session *session, const struct wire_hdr *hdr,
			   const struct wire_page_get *get);

/*
 * One of its stubs is idle (stopped in its agent): does what image_done() could not while it was busy. Cheap
 * when there is nothing to do.
 */
void image_idle(struct stub *stub);
/* There is something to do: a stub that is parked in its pause is worth waking. */
bool image_wants_idle(const struct stub *stub);
/* The one stub that there is something to do for, or NULL. */
struct stub *image_idler(const struct process *process);

/* The stub's fork has made this child, away too, its memory a copy of the parent's as it is here. */
void image_forked(struct process *parent, struct process *child);

/* The process has ended, or been replaced by execve, or was lost: frees stub->image. Any state. */
void image_forget(struct process *process);

/* Bytes that the running move has named to be fetched, and that were fetched until now. */
uint64_t image_bytes(const struct process *process);

#endif
