/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of a descriptor share its offset and status flags, not close-on-exec; the lowest number is given. */
#include <fcntl.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int fd = open("dup", O_RDWR | O_CREAT | O_TRUNC, 0644), a, b;
	char buf[8];

	CHECK(fd >= 0 && write(fd, "abcdefgh", 8) == 8);
	a = dup(fd);
	CHECK(a == fd + 1);
	CHECK(lseek(a, 2, SEEK_SET) == 2 && read(fd, buf, 1) == 1 && buf[0] == 'c');
	CHECK(dup2(fd, 50) == 50 && read(50, buf, 1) == 1 && buf[0] == 'd');
	CHECK(dup2(fd, fd) == fd);
	CHECK_FAILS(dup2(99, 60), EBADF);
	CHECK_FAILS(dup3(fd, fd, 0), EINVAL);
	CHECK(dup3(fd, 51, O_CLOEXEC) == 51);
	CHECK(fcntl(51, F_GETFD) == FD_CLOEXEC && fcntl(50, F_GETFD) == 0);
	CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && (fcntl(50, F_GETFL) & O_APPEND));
	CHECK((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && write(50, "X", 1) == 1);
	CHECK(pread(fd, buf, 1, 8) == 1 && buf[0] == 'X');
	b = fcntl(fd, F_DUPFD, 40);
	CHECK(b == 40);
	CHECK(fcntl(fd, F_DUPFD_CLOEXEC, 40) == 41 && fcntl(41, F_GETFD) == FD_CLOEXEC);
	CHECK(close(fd) == 0 && close(a) == 0);
	CHECK(lseek(b, 0, SEEK_SET) == 0 && read(50, buf, 2) == 2 && !memcmp(buf, "ab", 2));
	CHECK(open("dup", O_RDONLY) == fd && close(fd) == 0);
	CHECK_FAILS(fcntl(fd, F_GETFL), EBADF);
	for (int i = 40; i < 52; i++)
		close(i);
	printf("descriptors ok\n");
}
