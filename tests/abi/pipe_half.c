/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pipe that is half read stays so whatever happens to its reader in between. */
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define LINES 300

static void test(void)
{
	int fd[2], status, c;
	uint64_t h = 0;
	pid_t pid;
	FILE *f;

	CHECK(!pipe(fd));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(fd[0]);
		f = fdopen(fd[1], "w");
		for (int i = 0; i < LINES; i++)
			fprintf(f, "line %d of %d, %s\n", i, LINES, i % 3 ? "short" : "and a longer one");
		fclose(f);
		_exit(0);
	}
	close(fd[1]);
	f = fdopen(fd[0], "r");
	for (unsigned n = 0; (c = getc(f)) != EOF; n++) {
		char ch = c;

		h = hash(h, &ch, 1);
		if (n % 1000 == 0)	/* computing with the rest still in the pipe */
			for (volatile int i = 0; i < 20000; i++)
				;
	}
	fclose(f);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	printf("pipe held %016llx\n", (unsigned long long)h);
}
