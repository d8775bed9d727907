/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX locks belong to the process that took them: its child is kept out, and sees whose they are. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20 };
	struct flock ask = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 25, .l_len = 1 };
	int fd = open("lock", O_RDWR | O_CREAT, 0644), status;
	pid_t me = getpid(), pid;

	CHECK(fd >= 0 && fcntl(fd, F_SETLK, &fl) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		CHECK(fcntl(fd, F_GETLK, &ask) == 0 && ask.l_type == F_WRLCK && ask.l_pid == me);
		CHECK(ask.l_start == 10 && ask.l_len == 20);
		CHECK_FAILS(fcntl(fd, F_SETLK, &fl), EAGAIN);
		fl.l_start = 40;
		CHECK(fcntl(fd, F_SETLKW, &fl) == 0);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
	fl.l_start = 40;
	CHECK(fcntl(fd, F_GETLK, &fl) == 0 && fl.l_type == F_UNLCK);
	CHECK(flock(fd, LOCK_EX) == 0);
	int other = open("lock", O_RDWR);
	CHECK_FAILS(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(close(fd) == 0 && flock(other, LOCK_EX | LOCK_NB) == 0 && close(other) == 0);
	printf("locks ok\n");
}
