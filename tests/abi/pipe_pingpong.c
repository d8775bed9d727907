/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two processes talk through two pipes, a word at a time. */
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int to[2], from[2], status;
	uint32_t word = 1;
	pid_t pid;

	CHECK(!pipe(to) && !pipe(from));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(to[1]);
		close(from[0]);
		while (read(to[0], &word, 4) == 4) {
			word = word * 3 + 1;
			CHECK(write(from[1], &word, 4) == 4);
		}
		_exit(3);
	}
	close(to[0]);
	close(from[1]);
	for (int i = 0; i < 200; i++) {
		CHECK(write(to[1], &word, 4) == 4);
		CHECK(read(from[0], &word, 4) == 4);
	}
	close(to[1]);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
	close(from[0]);
	printf("after 200 turns: %u\n", word);
}
