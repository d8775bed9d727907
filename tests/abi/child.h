/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function in a process of its own. */
#ifndef TESTS_ABI_CHILD_H
#define TESTS_ABI_CHILD_H

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/abi/abi.h"

#define CHILD_EXITS(n) ((n) << 8)
#define CHILD_OK CHILD_EXITS(42)	/* fn() came to its end */

/* Runs fn in a child; its wait(2) status. */
static inline int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		fn();
		_exit(42);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

#endif
