/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong is said as Linux says it: errno of bad names, numbers, pointers and modes. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char name[5000], buf[8];
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	memset(name, 'n', sizeof(name));
	name[4999] = 0;
	CHECK_FAILS(open(name, O_RDONLY), ENAMETOOLONG);
	name[300] = 0;
	CHECK_FAILS(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK_FAILS(open("", O_RDONLY), ENOENT);
	CHECK_FAILS(open("none/x", O_RDONLY), ENOENT);
	CHECK_FAILS(open("f/x", O_RDONLY), ENOTDIR);
	CHECK_FAILS(open(".", O_WRONLY), EISDIR);
	CHECK_FAILS(open((char *)32, O_RDONLY), EFAULT);
	CHECK_FAILS(stat("f", (struct stat *)32), EFAULT);
	CHECK_FAILS(stat("f/", &st), ENOTDIR);
	CHECK_FAILS(read(-1, buf, 1), EBADF);
	CHECK_FAILS(read(1000, buf, 1), EBADF);
	CHECK_FAILS(read(fd, (void *)-4096, 1), EFAULT);
	CHECK_FAILS(ioctl(fd, 0x5401 /* TCGETS */, name), ENOTTY);
	CHECK_FAILS(ioctl(fd, 0xdeadbeef, name), ENOTTY);
	CHECK_FAILS(lseek(fd, 0, 99), EINVAL);
	CHECK_FAILS(ftruncate(fd, -1), EINVAL);
	CHECK_FAILS(fchdir(fd), ENOTDIR);
	CHECK_FAILS(pipe((int *)16), EFAULT);
	CHECK_FAILS(syscall(SYS_openat, AT_FDCWD, "f", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	/* A number that no kernel has. */
	CHECK_FAILS(syscall(100000), ENOSYS);
	CHECK(close(fd) == 0);
	printf("errors ok\n");
}
