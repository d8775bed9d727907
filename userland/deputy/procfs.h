/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process reads of itself, or of another of this job, in /proc: its maps without our pages, its
 * state as if nobody traced it, its size and CPU time as they are on the node.
 *
 * The files stay the kernel's own. Only what a forwarded read returns is replaced: by the part, at the
 * same place of the file, of the text as it should be.
 */
#ifndef USERLAND_DEPUTY_PROCFS_H
#define USERLAND_DEPUTY_PROCFS_H

#include <stdint.h>

struct call;
struct stub;

/*
 * A call of the stub has ended with ret; it stands in its trap, the buffers in its scratch area. Returns
 * the result that the program is to see.
 */
int64_t procfs_ended(struct stub *stub, struct call *call, int64_t ret);

#endif
