/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Process groups and sessions: made, joined, asked for, and signalled as one. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int status, fd[2];
	pid_t pid, other;
	char c;

	CHECK(getpgrp() == getpgid(0) && getsid(0) == getsid(getpid()));
	CHECK(!pipe(fd));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(!setpgid(0, 0) && getpgrp() == getpid());
		other = fork();
		if (other == 0) {
			CHECK(getpgrp() == getppid());
			CHECK(write(fd[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		CHECK(write(fd[1], "r", 1) == 1);
		CHECK(waitpid(other, &status, 0) == other && WTERMSIG(status) == SIGTERM);
		_exit(0);
	}
	CHECK(read(fd[0], &c, 1) == 1 && read(fd[0], &c, 1) == 1);
	CHECK(getpgid(pid) == pid);
	/* Only the grandchild dies of it: its parent is asked to wait before the group is signalled. */
	struct sigaction ign = { .sa_handler = SIG_IGN };
	CHECK(!sigaction(SIGTERM, &ign, NULL));
	other = fork();
	if (other == 0) {
		CHECK(!setpgid(0, pid) && getpgrp() == pid);
		signal(SIGTERM, SIG_DFL);
		CHECK(!kill(0, SIGTERM));
		_exit(1);
	}
	CHECK(waitpid(other, &status, 0) == other && WTERMSIG(status) == SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	signal(SIGTERM, SIG_DFL);
	pid = fork();
	if (pid == 0) {
		CHECK(setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
		CHECK_FAILS(setsid(), EPERM);
		_exit(4);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 4);
	CHECK_FAILS(setpgid(0, 999999), EPERM);
	CHECK_FAILS(getpgid(99999999), ESRCH);
	close(fd[0]);
	close(fd[1]);
	printf("groups ok\n");
}
