/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectors: readv, writev, preadv, pwritev with empty, many and misaligned pieces; too many are refused. */
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

#define MANY 300

static void test(void)
{
	struct iovec iov[MANY];
	char out[MANY * 7], in[MANY * 7];
	int fd = open("vectors", O_RDWR | O_CREAT | O_TRUNC, 0644);
	size_t at = 0;

	CHECK(fd >= 0);
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = i * 31 + i / 7;
	for (unsigned i = 0; i < MANY; i++) {
		iov[i].iov_base = out + at;
		iov[i].iov_len = i % 8;	/* some are empty */
		at += i % 8;
	}
	CHECK(writev(fd, iov, MANY) == (ssize_t)at);
	CHECK(pwritev(fd, iov, 20, 5000) == 62);
	memset(in, 0, sizeof(in));
	for (unsigned i = 0; i < 3; i++) {
		iov[i].iov_base = in + i * 400;
		iov[i].iov_len = 400;
	}
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	CHECK(preadv(fd, iov, 2, 100) == 800 && !memcmp(in, out + 100, 800));
	CHECK(readv(fd, iov, 2) == 800 && !memcmp(in, out, 800));
	iov[0].iov_base = (void *)16;
	CHECK_FAILS(readv(fd, iov, 1), EFAULT);
	iov[0].iov_len = 0;
	CHECK(readv(fd, iov, 0) == 0);
	CHECK_FAILS(readv(fd, iov, IOV_MAX + 1), EINVAL);
	CHECK_FAILS(readv(fd, (void *)16, 2), EFAULT);
	iov[1].iov_len = (size_t)-1;
	CHECK_FAILS(writev(fd, iov, 2), EINVAL);
	CHECK(close(fd) == 0);
	printf("vectors ok %zu\n", at);
}
