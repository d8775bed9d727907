/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image on the way home: put into the stub, whose mappings are real already; pages that have not
 * come yet are fetched on fault (userfaultfd) and in the background.
 *
 * dispatch.c calls home_begin() when IMG_BEGIN came (all stubs then are stopped, STUB_RETURNING, their
 * mask SIGMASK_FROZEN) and hands it every later message of the image. home.c answers the node itself
 * (IMG_RUNNING or IMG_REFUSED, later IMG_DONE).
 */
#ifndef USERLAND_DEPUTY_HOME_H
#define USERLAND_DEPUTY_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/wire.h"

struct session;
struct process;
struct stub;

/* All return NULL, or what is wrong with the message (which then ends the session). */
const char *home_begin(struct process *process, struct session *session, uint32_t id,
		       const struct wire_image *image);
/*
 * IMG_THREAD, IMG_SIGNAL, IMG_RUNS, IMG_COMMIT of an image for home, and PAGES. On IMG_COMMIT the
 * process has to be complete but for its pages: home.c sends IMG_RUNNING and calls
 * move_came_home(process) (move.h), which lets it run; or sends IMG_REFUSED and calls
 * move_stays_away(process, why), and it runs on at the node.
 */
const char *home_message(struct process *process, struct session *session, const struct wire_hdr *hdr,
			 const void *payload);

/* Pages are still at the node. The process runs, but must not move again before they have come. */
bool home_pending(const struct process *process);

/*
 * A stop (status of waitpid) of a thread that runs at home with pages pending; asked before anything
 * else is done about it. True: it is home.c's affair, which keeps the thread stopped or has
 * resumed it, and will resume it when it may go on. False: handle it as if nothing were pending.
 * Pages that have not come can be missed by the program's own code only, not by the kernel on its
 * behalf: so it is held at system calls and signals that might touch them.
 */
bool home_stop(struct stub *stub, int status);

/* With what request to resume such a process, or any other at home. */
int home_resume_request(const struct stub *stub); /* PTRACE_SYSCALL while pending, else PTRACE_CONT */

/* The process ended or the session was lost: frees process->home. Returns pages that never came. */
uint64_t home_forget(struct process *process);

/* Bytes that the last return has named, and that were fetched in the background or on fault. */
uint64_t home_bytes(const struct process *process);

#endif
