/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random bytes come in the length asked for and never the same twice; also in a forked child. */
#include <fcntl.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	uint8_t seen[64][32], big[5000] = { 0 };
	unsigned zeros = 0;
	int fd[2], file;
	pid_t pid;

	for (int i = 0; i < 64; i++) {
		CHECK(getrandom(seen[i], 32, 0) == 32);
		for (int j = 0; j < i; j++)
			CHECK(memcmp(seen[i], seen[j], 32));
	}
	CHECK(getrandom(big, sizeof(big), GRND_NONBLOCK) == sizeof(big));
	for (unsigned i = 0; i < sizeof(big); i++)
		zeros += !big[i];
	CHECK(zeros < 100);
	CHECK(getrandom(big, 0, 0) == 0);
	CHECK_FAILS(getrandom(big, 1, 0x100), EINVAL);
	CHECK_FAILS(getrandom((void *)16, 100, 0), EFAULT);
	CHECK(!getentropy(big, 256));
	file = open("/dev/urandom", O_RDONLY);
	CHECK(file >= 0 && read(file, big, 32) == 32 && memcmp(big, seen[0], 32) && !close(file));
	CHECK(!pipe(fd));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		CHECK(getrandom(big, 32, 0) == 32 && write(fd[1], big, 32) == 32);
		_exit(0);
	}
	CHECK(getrandom(big, 32, 0) == 32 && read(fd[0], big + 32, 32) == 32);
	CHECK(memcmp(big, big + 32, 32));
	waitpid(pid, NULL, 0);
	close(fd[0]);
	close(fd[1]);
	printf("random ok\n");
}
