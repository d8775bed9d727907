/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain files: read, write, seek, append, pread and pwrite, truncation, holes. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char buf[64];
	struct stat st;
	int fd = open("plain", O_RDWR | O_CREAT | O_TRUNC, 0640), ap;

	CHECK(fd >= 0);
	CHECK(write(fd, "hello world", 11) == 11);
	CHECK(lseek(fd, 6, SEEK_SET) == 6);
	CHECK(read(fd, buf, 64) == 5 && !memcmp(buf, "world", 5));
	CHECK(read(fd, buf, 64) == 0);
	CHECK(lseek(fd, -5, SEEK_CUR) == 6);
	CHECK(write(fd, "THERE", 5) == 5);
	CHECK(pread(fd, buf, 11, 0) == 11 && !memcmp(buf, "hello THERE", 11));
	CHECK(pwrite(fd, "J", 1, 0) == 1);
	CHECK(lseek(fd, 0, SEEK_CUR) == 11);
	ap = open("plain", O_WRONLY | O_APPEND);
	CHECK(ap >= 0 && lseek(ap, 0, SEEK_SET) == 0 && write(ap, "!", 1) == 1);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 12 && S_ISREG(st.st_mode));
	CHECK((st.st_mode & 0777) == (0640 & ~022));
	CHECK(ftruncate(fd, 5) == 0 && pread(fd, buf, 64, 0) == 5);
	CHECK(ftruncate(fd, 5000) == 0 && pread(fd, buf, 8, 4000) == 8 && buf[3] == 0);
	CHECK(lseek(fd, 100000, SEEK_SET) == 100000 && write(fd, "end", 3) == 3);
	CHECK(fstat(fd, &st) == 0 && st.st_size == 100003);
	CHECK_FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_FAILS(read(ap, buf, 1), EBADF);
	CHECK_FAILS(pread(fd, buf, 1, -1), EINVAL);
	CHECK(write(fd, buf, 0) == 0);
	CHECK(close(ap) == 0 && close(fd) == 0);
	CHECK_FAILS(close(fd), EBADF);
	CHECK_FAILS(open("plain", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	printf("files ok\n");
}
