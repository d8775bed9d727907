/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGCONT directly behind a stop signal: whichever is first, the process is not left stopped.
 * Not moved: a process that is stopped does not move, and this one is all the time
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define TIMES 12
#define PIPE 4096

/* Says that it lives, again and again. */
static void beat(int fd)
{
	static const char block[1024];

	for (;;)
		if (write(fd, block, sizeof(block)) <= 0)
			_exit(0);
}

static void test(void)
{
	static const int stops[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	int fd[2], status;
	char buf[PIPE];
	pid_t pid;

	for (unsigned i = 0; i < 4; i++) {
		CHECK(!pipe(fd) && fcntl(fd[1], F_SETPIPE_SZ, PIPE) >= PIPE);
		pid = fork();
		if (!pid) {
			close(fd[0]);
			/* Not an orphaned group, where only SIGSTOP stops. */
			CHECK(!setpgid(0, 0));
			signal(SIGPIPE, SIG_IGN);
			beat(fd[1]);
		}
		close(fd[1]);
		for (int n = 0; n < TIMES; n++) {
			CHECK(!kill(pid, stops[i]) && !kill(pid, SIGCONT));
			CHECK(read(fd[0], buf, sizeof(buf)) > 0);
		}
		/* What it wrote before fills the pipe once: more than that shows that it goes on. */
		for (int total = 0; total < 4 * PIPE; total += (int)read(fd[0], buf, sizeof(buf)))
			;
		CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
		close(fd[0]);
	}
	printf("stopped and continued\n");
}
