/* SPDX-License-Identifier: GPL-2.0-or-later */
/* splice, tee, sendfile, copy_file_range: bytes that never pass through the program, offsets kept or moved. */
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

static void content(int fd, const char *what, off_t from, size_t len)
{
	char buf[64] = "";

	CHECK(pread(fd, buf, len, from) == (ssize_t)len);
	printf("%s: %.*s\n", what, (int)len, buf);
}

static void pipes(int in, int out)
{
	loff_t at = 3, to = 5;
	int a[2], b[2];
	char buf[64];

	CHECK(!pipe(a) && !pipe(b));
	CHECK(splice(in, &at, a[1], NULL, 10, 0) == 10 && at == 13 && lseek(in, 0, SEEK_CUR) == 0);
	CHECK(tee(a[0], b[1], 6, 0) == 6);
	CHECK(splice(a[0], NULL, out, &to, 64, SPLICE_F_MOVE) == 10 && to == 15 && lseek(out, 0, SEEK_CUR) == 0);
	content(out, "spliced", 5, 10);
	CHECK(read(b[0], buf, sizeof(buf)) == 6 && !memcmp(buf, "defghi", 6));
	CHECK_FAILS(splice(a[0], NULL, out, NULL, 64, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_FAILS(splice(in, NULL, out, NULL, 64, 0), EINVAL);
	CHECK_FAILS(splice(a[0], &at, out, NULL, 64, 0), ESPIPE);
	CHECK_FAILS(tee(a[0], a[1], 1, 0), EINVAL);
	CHECK(splice(in, NULL, a[1], NULL, 4, 0) == 4 && lseek(in, 0, SEEK_CUR) == 4);
	close(a[1]);
	CHECK(splice(a[0], NULL, b[1], NULL, 64, 0) == 4 && splice(a[0], NULL, b[1], NULL, 64, 0) == 0);
	CHECK(read(b[0], buf, 64) == 4 && !memcmp(buf, "abcd", 4));
	close(a[0]);
	close(b[0]);
	close(b[1]);
}

static void files(int in, int out)
{
	struct iovec iov[2] = { { "vm", 2 }, { "spliced", 7 } };
	off_t at = 20;
	loff_t from = 1, to = 40;
	char buf[16];
	int p[2];

	CHECK(lseek(in, 0, SEEK_SET) == 0 && lseek(out, 20, SEEK_SET) == 20);
	CHECK(sendfile(out, in, &at, 4) == 4 && at == 24 && lseek(in, 0, SEEK_CUR) == 0 && lseek(out, 0, SEEK_CUR) == 24);
	CHECK(sendfile(out, in, NULL, 3) == 3 && lseek(in, 0, SEEK_CUR) == 3);
	content(out, "sent", 20, 7);
	CHECK(sendfile(out, in, NULL, 1000) == 23 && sendfile(out, in, NULL, 1000) == 0);
	CHECK(copy_file_range(in, &from, out, &to, 5, 0) == 5 && from == 6 && to == 45);
	content(out, "copied", 40, 5);
	CHECK_FAILS(copy_file_range(in, &from, out, &to, 5, 77), EINVAL);
	CHECK_FAILS(sendfile(out, 987, NULL, 5), EBADF);
	CHECK_FAILS(sendfile(out, in, (void *)16, 5), EFAULT);
	CHECK(!pipe(p) && vmsplice(p[1], iov, 2, 0) == 9 && read(p[0], buf, 16) == 9 && !memcmp(buf, "vmspliced", 9));
	close(p[0]);
	close(p[1]);
}

static void test(void)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0644), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644);
	struct stat st;

	CHECK(in >= 0 && out >= 0 && pwrite(in, "abcdefghijklmnopqrstuvwxyz", 26, 0) == 26);
	pipes(in, out);
	files(in, out);
	CHECK(!fstat(out, &st));
	printf("%lld bytes\n", (long long)st.st_size);
	close(in);
	close(out);
}
