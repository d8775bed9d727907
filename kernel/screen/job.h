/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An order (kernel/orders.h) that is carried out in a thread of its own, so that the screen goes on
 * meanwhile. The screen's thread has one reference, which it gives up by job_put(); the order goes
 * on without it.
 */
#ifndef KERNEL_SCREEN_JOB_H
#define KERNEL_SCREEN_JOB_H

#include <stdbool.h>
#include <stddef.h>

#define JOB_TEXT 16384 /* of an answer that is kept; the rest is cut off */

struct job;

/* NULL: no memory. */
struct job *job_start(const char *line);
void job_put(struct job *job); /* NULL is fine */

/* What it has answered until now: valid while the reference is held, only ever grows. */
const char *job_text(const struct job *job, size_t *len);

const char *job_line(const struct job *job);

/* Has it ended? Then result is 0 or -errno. */
bool job_done(const struct job *job, int *result);

#endif
