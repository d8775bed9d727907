/* SPDX-License-Identifier: GPL-2.0-or-later */
/* O_DIRECT asks for aligned memory: the program's alignment is what counts. Large vectors, positions, flags. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

#define LARGE (3 << 20)

static void direct(void)
{
	static char buf[3 * 4096] __attribute__((aligned(4096)));
	int fd = open("direct", O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0644);

	if (fd < 0) {
		CHECK(errno == EINVAL);
		return;
	}
	memset(buf, 'd', sizeof(buf));
	CHECK(pwrite(fd, buf, 8192, 0) == 8192);
	memset(buf, 0, sizeof(buf));
	CHECK(pread(fd, buf, 4096, 4096) == 4096 && buf[0] == 'd' && buf[4095] == 'd' && !buf[4096]);
	/* Some file systems mind, some do not. */
	printf("unaligned memory: %zd\n", pread(fd, buf + 1, 4096, 0));
	printf("unaligned length: %zd\n", pread(fd, buf, 1000, 0));
	close(fd);
	CHECK(!unlink("direct"));
}

static void large(void)
{
	char *a = malloc(LARGE), *b = malloc(LARGE);
	struct iovec iov[3] = { { a, LARGE }, { b, LARGE }, { a, 100 } };
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct stat st;

	memset(a, 'a', LARGE);
	memset(b, 'b', LARGE);
	CHECK(writev(fd, iov, 3) == 2 * LARGE + 100 && lseek(fd, 0, SEEK_CUR) == 2 * LARGE + 100);
	CHECK(pwritev(fd, iov + 1, 2, 10) == LARGE + 100 && !fstat(fd, &st) && st.st_size == 2 * LARGE + 100);
	memset(a, 0, LARGE);
	memset(b, 0, LARGE);
	CHECK(preadv(fd, iov, 2, 5) == 2 * LARGE && a[0] == 'a' && a[4] == 'a' && a[5] == 'b' && b[LARGE - 1] == 'a');
	CHECK(lseek(fd, LARGE, SEEK_SET) == LARGE && readv(fd, iov, 3) == LARGE + 100 && a[LARGE - 1] == 'b' && b[99] == 'a');
	CHECK(preadv(fd, iov, 2, 2 * LARGE) == 100 && preadv(fd, iov, 2, 3 * LARGE) == 0);
	iov[1].iov_base = (void *)16;
	CHECK(pwritev(fd, iov, 2, 0) == LARGE);
	close(fd);
	CHECK(!unlink("large"));
	free(a);
	free(b);
}

static void flags(void)
{
	struct iovec iov[2] = { { "ab", 2 }, { "cd", 2 } };
	char buf[8] = "########";
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(pwritev2(fd, iov, 2, -1, 0) == 4 && lseek(fd, 0, SEEK_CUR) == 4 && pwritev2(fd, iov, 1, 0, RWF_APPEND) == 2);
	iov[0] = (struct iovec){ buf, 3 };
	iov[1] = (struct iovec){ buf + 4, 4 };
	CHECK(preadv2(fd, iov, 2, 0, 0) == 6 && !memcmp(buf, "abc#dab#", 8));
	CHECK_FAILS(preadv2(fd, iov, 2, 0, 0x40000000), EOPNOTSUPP);
	CHECK_FAILS(preadv(fd, iov, 2, -5), EINVAL);
	CHECK_FAILS(readv(fd, iov, -1), EINVAL);
	CHECK_FAILS(readv(fd, (void *)16, 1), EFAULT);
	CHECK(readv(fd, NULL, 0) == 0);
	close(fd);
	CHECK(!unlink("f"));
}

static void test(void)
{
	direct();
	large();
	flags();
	printf("vectors ok\n");
}
