/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that several processes write: MAP_SHARED, of a file (a memfd and /dev/shm's included) or of
 * none. While all of them are guests of one node, the node has the one copy; before they come home,
 * together, it puts what it has changed back.
 *
 * A file can be seen by others, too. So the node also puts its changes before every forwarded call, is told
 * when a call has changed the file (STALE, before the answer), and gets the file only while nobody but
 * guests of the session has it open. When somebody else opens it, all come home.
 */
#ifndef DEPUTY_SHARED_H
#define DEPUTY_SHARED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "proto/wire.h"

struct call;
struct map;
struct process;
struct session;
struct stub;

/* A name for new shared memory of len bytes, all zeros. */
void shared_identity_new(uint64_t len, struct wire_file *file);

/*
 * A name for memory that is no file, mapped at home by this process, when no other of the job has it.
 * image: what tells one image from the next.
 */
bool shared_identity_alone(const struct process *process, const struct map *map, uint64_t image,
			   struct wire_file *file);
uint64_t shared_next_image(void);

/*
 * A file that a guest of the session maps MAP_SHARED by its descriptor, of which `copy` is a copy: its
 * name, or false with *why set when it must be mapped at home.
 */
bool shared_file(struct session *session, int copy, const struct stat *st, struct wire_file *file,
		 struct wire_text *why);
/* The same for a System V segment that the stub's process attaches. */
void shared_segment(const struct stub *stub, int id, struct wire_file *file, struct wire_text *why);
/* Is it shared by guests of this session? */
bool shared_is(const struct session *session, const struct stat *st);

/* Before an answer to a call: what has happened to the files meanwhile. */
void shared_look(struct session *session);

/* A call may have given descriptors to others (sendmsg). */
void shared_passed_on(struct session *session);

/* A guest leaves the session's node: if it shares files, all names that they have there are void. */
void shared_leaving(const struct process *process);
void shared_session_lost(struct session *session);

/* W_PUT for a stub, or for one that has ended. NULL, or what is wrong with it. */
const char *shared_put(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
		       const void *payload);
/* The same, when what was before it in the stub's queue is done. */
void shared_put_queued(struct stub *stub, struct call *call);

#endif
