/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MADV_DONTNEED gives zeros back; calls on memory that is not there fail with EFAULT and harm nothing. */
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul

static void test(void)
{
	uint8_t *p = mmap(NULL, 32 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	int fds[2], fd;

	CHECK(p != MAP_FAILED);
	memset(p, 7, 32 * PAGE);
	CHECK(!madvise(p + 4 * PAGE, 8 * PAGE, MADV_DONTNEED));
	for (unsigned i = 0; i < 32; i++)
		CHECK(p[i * PAGE + 5] == (i >= 4 && i < 12 ? 0 : 7));
	CHECK(!madvise(p, PAGE, MADV_WILLNEED));
	CHECK_FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK(!munmap(p + 16 * PAGE, PAGE));
	CHECK_FAILS(madvise(p, 32 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK(p[0] == 0 && p[20 * PAGE] == 0);
	CHECK(!pipe(fds));
	CHECK_FAILS(write(fds[1], p + 16 * PAGE, 10), EFAULT);
	CHECK_FAILS(write(fds[1], (void *)8, 10), EFAULT);
	CHECK(write(fds[1], "0123456789", 10) == 10);
	CHECK_FAILS(read(fds[0], p + 16 * PAGE, 10), EFAULT);
	/* Readable memory is not enough to read into. */
	CHECK(!mprotect(p, PAGE, PROT_READ));
	CHECK(write(fds[1], "0123456789", 10) == 10);
	CHECK_FAILS(read(fds[0], p, 10), EFAULT);
	/* A transfer that runs into a hole stops there. */
	fd = open("zero", O_RDWR | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0 && write(fd, p + 15 * PAGE, 2 * PAGE) == (ssize_t)PAGE);
	CHECK(lseek(fd, 0, SEEK_END) == (off_t)PAGE);
	close(fd);
	close(fds[0]);
	close(fds[1]);
	CHECK(!munmap(p, 32 * PAGE));
	printf("madvise ok\n");
}
