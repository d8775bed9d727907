/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes: set, read, listed, removed, by path, link and descriptor; sizes asked for first. */
#include <fcntl.h>
#include <sys/xattr.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char buf[64], *p;
	int fd = open("f", O_RDWR | O_CREAT, 0644), names = 0;
	ssize_t n;

	CHECK(fd >= 0);
	if (setxattr("f", "user.one", "first", 5, 0)) {
		printf("none here: %s\n", strerror(errno));
		CHECK_FAILS(getxattr("f", "user.one", buf, sizeof(buf)), ENOTSUP);
		close(fd);
		return;
	}
	CHECK_FAILS(setxattr("f", "user.one", "x", 1, XATTR_CREATE), EEXIST);
	CHECK_FAILS(setxattr("f", "user.two", "x", 1, XATTR_REPLACE), ENODATA);
	CHECK(!fsetxattr(fd, "user.two", "", 0, 0) && !lsetxattr("f", "user.three", "3\0003", 3, 0));
	memset(buf, '#', sizeof(buf));
	CHECK(getxattr("f", "user.one", buf, sizeof(buf)) == 5 && !memcmp(buf, "first#", 6));
	CHECK(lgetxattr("f", "user.three", buf, 3) == 3 && !memcmp(buf, "3\0003", 3));
	CHECK(fgetxattr(fd, "user.two", buf, sizeof(buf)) == 0);
	CHECK(getxattr("f", "user.one", NULL, 0) == 5);
	CHECK_FAILS(getxattr("f", "user.one", buf, 2), ERANGE);
	CHECK_FAILS(getxattr("f", "user.none", buf, 2), ENODATA);
	CHECK_FAILS(getxattr("f", "nonsense", buf, 2), ENOTSUP);
	CHECK_FAILS(getxattr("g", "user.one", buf, 2), ENOENT);
	n = listxattr("f", NULL, 0);
	CHECK(n > 0 && n < (ssize_t)sizeof(buf) && flistxattr(fd, buf, sizeof(buf)) == n && llistxattr("f", buf, n) == n);
	for (p = buf; p < buf + n; p += strlen(p) + 1)
		names += !strncmp(p, "user.", 5);
	CHECK(names == 3);
	CHECK_FAILS(listxattr("f", buf, 3), ERANGE);
	CHECK(!removexattr("f", "user.one") && !fremovexattr(fd, "user.two") && !lremovexattr("f", "user.three"));
	CHECK_FAILS(removexattr("f", "user.one"), ENODATA);
	close(fd);
	printf("xattr ok\n");
}
