/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many system calls of this job nodes have served, how many came home, and which sent a process
 * home. For people: `mps -j`. For tests: with MUSTER_CALLS=FILE in its environment, a deputy appends to
 * that file at its end.
 */
#ifndef USERLAND_DEPUTY_COUNT_H
#define USERLAND_DEPUTY_COUNT_H

#include "proto/wire.h"

struct process;

/* A node said how its guest fares. */
void count_stat(struct process *process, const struct wire_stat *stat);
/* A process came home for this. */
void count_return(const struct wire_text *why);
/* The job is over. */
void count_report(void);

#endif
