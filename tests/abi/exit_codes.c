/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit: all codes, atexit in reverse order, buffers flushed by exit and not by _exit. */
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static void first(void)
{
	printf("registered first, runs last\n");
}

static void second(void)
{
	printf("registered second, runs before\n");
}

int main(void)
{
	int status;
	pid_t pid;

	for (int i = 0; i < 256; i += abi_rounds() > 2 ? 1 : 17) {
		pid = fork();
		if (pid == 0)
			_exit(i);
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		CHECK(WEXITSTATUS(status) == i);
	}
	pid = fork();
	if (pid == 0)
		exit(-1);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 255);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		printf("never seen\n");
		_exit(1);
	}
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		printf("seen\n");
		exit(2);
	}
	waitpid(pid, &status, 0);
	atexit(first);
	atexit(second);
	printf("leaving\n");
	return 37;
}
