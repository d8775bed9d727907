/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of each process: where it went, and why it came home or stayed. For `mps --why`. */
#ifndef USERLAND_DEPUTY_WHY_H
#define USERLAND_DEPUTY_WHY_H

#include <stdint.h>

#include "kernel/list.h"

struct process;

#define WHY_EVENTS_MAX 100	/* of one process: the oldest then go */

struct why_event {
	struct list_head link;
	uint64_t when_ns;	/* loop_now() */
	char text[];
};

void why_add(struct process *process, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The last reason, "" if none. */
const char *why_last(const struct process *process);
void why_free(struct process *process);

#endif
