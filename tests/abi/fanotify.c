/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fanotify: an event brings a descriptor of the file. Not for everybody: else it says so. */
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct fanotify_event_metadata ev[8];
	int fan = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY), fd;
	struct stat a, b;
	ssize_t n;

	if (fan < 0) {
		printf("not here: %s\n", strerror(errno));
		return;
	}
	fd = open("f", O_RDWR | O_CREAT, 0644);
	CHECK(!fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE_WRITE, AT_FDCWD, "f"));
	CHECK_FAILS(read(fan, ev, sizeof(ev)), EAGAIN);
	CHECK(write(fd, "x", 1) == 1 && !fstat(fd, &a) && !close(fd));
	n = read(fan, ev, sizeof(ev));
	CHECK(n == (ssize_t)sizeof(ev[0]) && ev[0].vers == FANOTIFY_METADATA_VERSION && ev[0].mask == FAN_CLOSE_WRITE);
	CHECK(ev[0].pid == getpid() && !fstat(ev[0].fd, &b) && a.st_ino == b.st_ino && !close(ev[0].fd));
	CHECK_FAILS(fanotify_mark(fan, FAN_MARK_ADD, 0, AT_FDCWD, "f"), EINVAL);
	CHECK(!fanotify_mark(fan, FAN_MARK_FLUSH, 0, AT_FDCWD, NULL));
	close(open("f", O_RDONLY));
	CHECK_FAILS(read(fan, ev, sizeof(ev)), EAGAIN);
	close(fan);
	CHECK(!unlink("f"));
	printf("fanotify ok\n");
}
