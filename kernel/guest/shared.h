/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate through which processes with shared memory go home: all of a session, or none. Within
 * kernel/guest; thread context.
 */
#ifndef KERNEL_GUEST_SHARED_H
#define KERNEL_GUEST_SHARED_H

#include <stdbool.h>

struct proc;

/*
 * The current process, none of whose threads runs any more, is about to go home. Waits until all that
 * it may share memory with are as far, and their shared memory is at home. 0: go; -errno: it is being
 * killed, or home did not take the memory: run on.
 */
int guest_gate(struct proc *proc);

/* Its shared memory is at home, so it must not run here any more. */
bool guest_handed(const struct proc *proc);

#endif
