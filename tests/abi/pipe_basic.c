/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes: order, partial reads, end of file, a full one, EPIPE and SIGPIPE, non-blocking. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void test(void)
{
	char buf[70000];
	int fd[2], n;
	ssize_t put = 0, got;

	CHECK(!pipe(fd));
	CHECK(write(fd[1], "one two three", 13) == 13);
	CHECK(read(fd[0], buf, 4) == 4 && !memcmp(buf, "one ", 4));
	CHECK(!ioctl(fd[0], FIONREAD, &n) && n == 9);
	CHECK(read(fd[0], buf, 100) == 9 && !memcmp(buf, "two three", 9));
	CHECK_FAILS(lseek(fd[0], 0, SEEK_SET), ESPIPE);
	CHECK_FAILS(pread(fd[0], buf, 1, 0), ESPIPE);
	CHECK(!fcntl(fd[0], F_SETFL, O_NONBLOCK) && !fcntl(fd[1], F_SETFL, O_NONBLOCK));
	CHECK_FAILS(read(fd[0], buf, 1), EAGAIN);
	memset(buf, 'x', sizeof(buf));
	while ((got = write(fd[1], buf, 4096)) > 0)
		put += got;
	CHECK(got == -1 && errno == EAGAIN && put == 65536);
	while ((got = read(fd[0], buf, sizeof(buf))) > 0)
		put -= got;
	CHECK(errno == EAGAIN && put == 0);
	CHECK(!close(fd[1]) && read(fd[0], buf, 1) == 0 && !close(fd[0]));
	CHECK(!pipe2(fd, O_CLOEXEC) && fcntl(fd[0], F_GETFD) == FD_CLOEXEC && !close(fd[0]));
	pipes = 0;
	signal(SIGPIPE, on_pipe);
	CHECK_FAILS(write(fd[1], "x", 1), EPIPE);
	CHECK(pipes == 1);
	signal(SIGPIPE, SIG_IGN);
	CHECK_FAILS(write(fd[1], "x", 1), EPIPE);
	CHECK(pipes == 1 && !close(fd[1]));
	signal(SIGPIPE, SIG_DFL);
	printf("pipes ok\n");
}
