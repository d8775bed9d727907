/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify: events in order, names, cookies of a rename, a watch that ends; it can be polled. */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static void events(int fd)
{
	char buf[2048] __attribute__((aligned(8)));
	ssize_t n = read(fd, buf, sizeof(buf));
	uint32_t cookie = 0;

	CHECK(n > 0);
	for (char *p = buf; p < buf + n;) {
		struct inotify_event *e = (void *)p;

		printf("%#x %s\n", e->mask, e->len ? e->name : "-");
		if (e->mask & IN_MOVED_FROM)
			cookie = e->cookie;
		if (e->mask & IN_MOVED_TO)
			CHECK(e->cookie == cookie && cookie);
		p += sizeof(*e) + e->len;
	}
}

static void test(void)
{
	int in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), wd, fd, n;
	struct pollfd p = { in, POLLIN, 0 };
	char c;

	CHECK(in >= 0 && !mkdir("d", 0755));
	wd = inotify_add_watch(in, "d", IN_ALL_EVENTS);
	CHECK(wd >= 0 && poll(&p, 1, 0) == 0);
	CHECK_FAILS(read(in, &c, 1), EAGAIN);
	fd = open("d/a", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1 && !close(fd));
	CHECK(!rename("d/a", "d/long-name-of-a-file") && poll(&p, 1, -1) == 1 && !ioctl(in, FIONREAD, &n) && n > 16);
	CHECK_FAILS(read(in, &c, 1), EINVAL);
	events(in);
	CHECK(inotify_add_watch(in, "d", IN_DELETE | IN_ONESHOT) == wd);
	CHECK(!unlink("d/long-name-of-a-file"));
	events(in);
	CHECK_FAILS(inotify_rm_watch(in, wd), EINVAL);
	CHECK_FAILS(inotify_add_watch(in, "nothing", IN_OPEN), ENOENT);
	CHECK_FAILS(inotify_add_watch(in, "d", 0), EINVAL);
	CHECK_FAILS(inotify_add_watch(0x7fff, "d", IN_OPEN), EBADF);
	wd = inotify_add_watch(in, "d", IN_DELETE_SELF);
	CHECK(!rmdir("d"));
	events(in);
	close(in);
}
