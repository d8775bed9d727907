/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 32-bit programs execute 64-bit ones, and those 32-bit ones again, which inherit what Linux says.
 */
#define ABI_OWN_MAIN
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void inner(void)
{
	CHECK(signal(SIGUSR1, SIG_DFL) == SIG_IGN);
	printf("%d bits, fd 9 %s\n", (int)sizeof(long) * 8, fcntl(9, F_GETFD) < 0 ? "closed" : "open");
}

int main(int argc, char **argv)
{
	unsigned rounds = abi_rounds();
	int status;

	if (argc > 1) {
		inner();
		return 5;
	}
	CHECK(dup2(1, 9) == 9 && signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	for (unsigned i = 0; i < rounds; i++) {
		fflush(stdout);
		if (!fork()) {
			execl("/bin/sh", "sh", "-c", "echo $((1 << 40)); \"$0\" again; echo $?; exec \"$0\" again",
			      argv[0], NULL);
			_exit(1);
		}
		CHECK(wait(&status) > 0 && status == 5 << 8);
	}
	printf("exec ok\n");
	return 0;
}
