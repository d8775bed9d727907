/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors: lowest free number, dup2, dup3, close_range, pipe2, limits, what exec would close. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct rlimit old, lim;
	int a = open("/dev/null", O_RDONLY), p[2], fd;

	CHECK(a >= 0 && dup(a) == a + 1 && dup2(a, a + 5) == a + 5 && dup(a) == a + 2 && dup2(a, a) == a);
	CHECK(dup3(a, a + 7, O_CLOEXEC) == a + 7 && fcntl(a + 7, F_GETFD) == FD_CLOEXEC);
	CHECK_FAILS(dup3(a, a, 0), EINVAL);
	CHECK_FAILS(dup2(987, 5), EBADF);
	CHECK_FAILS(dup2(a, -1), EBADF);
	CHECK(!syscall(SYS_close_range, a + 1, a + 2, 0));
	CHECK_FAILS(fcntl(a + 1, F_GETFD), EBADF);
	CHECK(!syscall(SYS_close_range, a + 5, a + 6, CLOSE_RANGE_CLOEXEC) && fcntl(a + 5, F_GETFD) == FD_CLOEXEC);
	CHECK_FAILS(syscall(SYS_close_range, 9, 3, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_close_range, 3, 9, 0x100), EINVAL);
	CHECK(!pipe2(p, O_CLOEXEC) && p[0] == a + 1 && p[1] == a + 2 && fcntl(p[1], F_GETFD) == FD_CLOEXEC);
	CHECK_FAILS(pipe2(p, 0x1), EINVAL);
	CHECK_FAILS(pipe((void *)16), EFAULT);
	CHECK(!getrlimit(RLIMIT_NOFILE, &old));
	lim = old;
	lim.rlim_cur = a + 9;
	CHECK(!setrlimit(RLIMIT_NOFILE, &lim));
	while ((fd = dup(a)) >= 0)
		CHECK(fd < a + 9);
	CHECK(errno == EMFILE);
	CHECK_FAILS(dup2(a, a + 9), EBADF);
	CHECK_FAILS(open("/dev/null", O_RDONLY), EMFILE);
	CHECK_FAILS(pipe(p), EMFILE);
	CHECK(!setrlimit(RLIMIT_NOFILE, &old));
	CHECK(!syscall(SYS_close_range, a, ~0u, 0));
	CHECK_FAILS(close(a), EBADF);
	printf("descriptors ok\n");
}
