/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deputy: the process that drives one job. mosrun's front (front.c) forks it; it forks the
 * program, traces all of the job's processes, and lives until the last has ended.
 */
#ifndef USERLAND_DEPUTY_DEPUTY_H
#define USERLAND_DEPUTY_DEPUTY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "userland/lib/nodes.h"

/* What mosrun was asked to do. */
struct job {
	char **argv;		/* the program and its arguments */
	bool place;		/* run it on `node` from its first instruction */
	bool baseline;		/* show it `cpu` instead of the usual features */
	uint32_t cpu[WIRE_CPU_WORDS];
	struct node node;	/* where; only name, number, addr and port are sure to be set */
};

/*
 * Says something to the user on mosrun's standard error (a line, `mosrun: ` is put before it); on
 * the terminal if mosrun has ended already.
 */
void deputy_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A state the deputy cannot go on from: says so and ends, and its job with it. */
void deputy_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* For developers: on standard error with MUSTER_DEBUG=1 in the environment. */
void debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The deputy's own process, from fork to its end. front: its end of the socket to mosrun. */
void deputy_main(const struct job *job, int front) __attribute__((noreturn));

#endif
