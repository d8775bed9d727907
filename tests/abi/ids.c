/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who am I: the pid is the one that /proc, the parent and the kernel name; users and groups as at home. */
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	char link[32], want[32];
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[256];
	struct stat st;
	int status, fd;
	pid_t me = getpid(), pid;
	ssize_t n = readlink("/proc/self", link, sizeof(link) - 1);

	CHECK(n > 0);
	link[n] = 0;
	snprintf(want, sizeof(want), "%d", (int)me);
	CHECK(!strcmp(link, want));
	CHECK(syscall(SYS_gettid) == me && syscall(SYS_getpid) == me);
	CHECK(!getresuid(&r, &e, &s) && r == getuid() && e == geteuid());
	CHECK(!getresgid(&gr, &ge, &gs) && gr == getgid() && ge == getegid());
	CHECK(getgroups(256, groups) >= 0 && getgroups(0, NULL) == getgroups(256, groups));
	fd = open("owned", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && !fstat(fd, &st) && st.st_uid == e && !close(fd));
	CHECK((uid_t)setfsuid(-1) == e);
	CHECK(!setresuid(-1, -1, -1) && !setuid(e));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		CHECK(getppid() == me && getpid() != me && syscall(SYS_gettid) == getpid());
		_exit(getuid() == r && geteuid() == e ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(getpid() == me);
	printf("identity ok\n");
}
