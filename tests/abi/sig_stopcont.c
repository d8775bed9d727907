/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopped again and again, continued each time: every stop is seen, and the process is not left stopped.
 * Not moved: a process that is stopped does not move, and this one is all the time
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define TIMES 12

static void test(void)
{
	static const int stops[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	int status, seen;
	pid_t pid;

	for (unsigned i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			/* A group of its own, which is not orphaned. */
			setpgid(0, 0);
			for (int n = 0; n < TIMES; n++)
				raise(stops[i]);
			_exit(5);
		}
		seen = 0;
		while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
			CHECK(WSTOPSIG(status) == stops[i]);
			seen++;
			CHECK(!kill(pid, SIGCONT));
		}
		CHECK(seen == TIMES && WIFEXITED(status) && WEXITSTATUS(status) == 5);
	}
	printf("stopped and continued\n");
}
