/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time that was burnt on nodes. Linux does not know of it, and nobody can tell it: a process at
 * home, and who asks from home, sees only what was burnt there. But the deputy executes the calls of
 * the processes that are away, and so it adds what Linux lacks to the answers of wait4, waitid,
 * getrusage and times: of children, as Linux does, only once they have been waited for.
 *
 * A process that asks about itself from a node is answered by the node, which is told with each image
 * what was burnt before.
 */
#ifndef USERLAND_DEPUTY_CPUTIME_H
#define USERLAND_DEPUTY_CPUTIME_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/wire.h"

struct call;
struct process;
struct stub;

/* A process has made another. */
void cputime_born(pid_t parent, pid_t child);

/* An image for a node says what Linux counted: adds what was burnt on nodes, and notes the sum. */
void cputime_leaves(struct process *process, struct wire_image *image);

/* A node says what the process has burnt in all, wherever: in its image, or at its end. */
void cputime_told(struct process *process, uint64_t utime_ns, uint64_t stime_ns);

/* It has ended; what its parent will be told is kept until that has waited for it. */
void cputime_died(struct process *process);

/*
 * A forwarded call has succeeded; lens[i] bytes of its buffer i are in content, one after the other:
 * changes what they say of CPU time.
 */
void cputime_answer(struct stub *stub, const struct call *call, int64_t ret, uint8_t *content,
		    const uint32_t *lens);

#endif
