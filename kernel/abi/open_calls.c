/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * open and its kin: forwarded. Files of /proc that show a process's memory as home has it, which is not
 * as it is, are a retreat; what home tells of its size and time is brought up to date before.
 */
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/guest/guest.h"
#include "kernel/mm/uaccess.h"

#define SHOWN_MAX 64 /* longer paths are no /proc/PID/task/TID/clear_refs */

static long open_path(uint64_t nr, const uint64_t args[6], uint64_t path)
{
	static const char *const memory[] = { "/mem", "/pagemap", "/clear_refs" };
	char buf[SHOWN_MAX];
	const char *name;
	long n = strncpy_from_user(buf, path, sizeof(buf));

	if (n <= 0 || n >= (long)sizeof(buf) || strncmp(buf, "/proc/", 6))
		return forward(nr, args);
	name = strrchr(buf, '/');
	for (unsigned i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		if (!strcmp(name, memory[i]))
			return not_served(nr, buf);
	guest_report();
	return forward(nr, args);
}

long sys_open(struct trapframe *tf, const uint64_t args[6])
{
	return open_path(tf->error, args, args[0]);
}

long sys_openat(struct trapframe *tf, const uint64_t args[6])
{
	return open_path(tf->error, args, args[1]);
}

long sys_openat2(struct trapframe *tf, const uint64_t args[6])
{
	return open_path(tf->error, args, args[1]);
}
