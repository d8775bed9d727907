/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /proc tells of a process at home, for mps. */
#ifndef USERLAND_DEPUTY_PROCINFO_H
#define USERLAND_DEPUTY_PROCINFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct procinfo {
	pid_t ppid;
	char state;		/* as in proc(5): R, S, T, Z... */
	uint64_t cpu_ms;	/* user and system time */
	uint64_t rss_kb;
	char comm[16];
	char cmd[512];		/* arguments, a space between two */
};

/* Fields that cannot be read are 0 or empty. */
void procinfo_read(pid_t pid, struct procinfo *info);

/* The pages of its arguments and environment; false if they cannot be known. */
bool procinfo_args(pid_t pid, uint64_t *start, uint64_t *end);

#endif
