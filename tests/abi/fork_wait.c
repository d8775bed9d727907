/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children: their exit statuses and deaths reach wait, in any order, with and without WNOHANG. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define CHILDREN 20

static void test(void)
{
	pid_t pid[CHILDREN];
	int status, gate[2];
	siginfo_t si;
	struct rusage ru;
	char c;

	CHECK_FAILS(wait(&status), ECHILD);
	CHECK(!pipe(gate));
	fflush(stdout);
	for (int i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			close(gate[1]);
			CHECK(read(gate[0], &c, 1) == 0);
			_exit(i * 7);
		}
	}
	CHECK(waitpid(-1, &status, WNOHANG) == 0);
	close(gate[1]);
	for (int i = CHILDREN - 1; i >= 0; i--) {
		CHECK(waitpid(pid[i], &status, 0) == pid[i]);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == i * 7);
	}
	close(gate[0]);
	CHECK_FAILS(waitpid(pid[0], &status, 0), ECHILD);
	pid[0] = fork();
	if (pid[0] == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	CHECK(!waitid(P_PID, pid[0], &si, WEXITED | WNOWAIT));
	CHECK(si.si_code == CLD_KILLED && si.si_status == SIGKILL && si.si_pid == pid[0]);
	CHECK(wait4(pid[0], &status, 0, &ru) == pid[0]);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(!pipe(gate));
	pid[0] = fork();
	if (pid[0] == 0) {
		close(gate[1]);
		raise(SIGSTOP);
		/* Not before the parent has seen that we run again: an exit would come first. */
		CHECK(read(gate[0], &c, 1) == 0);
		_exit(9);
	}
	close(gate[0]);
	CHECK(waitpid(pid[0], &status, WUNTRACED) == pid[0]);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(!kill(pid[0], SIGCONT));
	CHECK(waitpid(pid[0], &status, WCONTINUED) == pid[0] && WIFCONTINUED(status));
	close(gate[1]);
	CHECK(waitpid(pid[0], &status, 0) == pid[0] && WEXITSTATUS(status) == 9);
	printf("children ok\n");
}
