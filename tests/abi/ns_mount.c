/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process with namespaces of its own: names, mounts old and new style, chroot. Not for everybody: else it says so. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

#define MS_REC_	     16384
#define MS_PRIVATE_ (1 << 18)

static void inside(void)
{
	int uts = open("/proc/self/ns/uts", O_RDONLY), fs, m, fd;
	struct utsname before, now;
	struct stat st;

	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)) {
		CHECK(errno == EPERM);
		printf("not allowed here\n");
		return;
	}
	CHECK(!uname(&before) && !sethostname("renamed", 7) && !uname(&now) && !strcmp(now.nodename, "renamed"));
	CHECK(!setns(uts, CLONE_NEWUTS) && !uname(&now) && !strcmp(now.nodename, before.nodename));
	if (mount(NULL, "/", NULL, MS_REC_ | MS_PRIVATE_, NULL)) {
		/* In a chroot the root is no mount point. */
		CHECK(errno == EINVAL || errno == EPERM || errno == EACCES);
		printf("not allowed here\n");
		return;
	}
	CHECK(!mkdir("m", 0755));
	CHECK(!mount("none", "m", "tmpfs", 0, "size=64k,mode=0711") && !stat("m", &st) && (st.st_mode & 0777) == 0711);
	fd = open("m/file", O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	CHECK_FAILS(umount2("m", 0), EBUSY);
	close(fd);
	CHECK(!umount2("m", 0));
	CHECK_FAILS(open("m/file", O_RDONLY), ENOENT);
	CHECK_FAILS(mount("none", "m", "no-such-type", 0, NULL), ENODEV);
	fs = syscall(SYS_fsopen, "tmpfs", 0);
	CHECK(fs >= 0 && !syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0700", 0));
	CHECK(!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	m = syscall(SYS_fsmount, fs, 0, 0);
	CHECK(m >= 0 && !syscall(SYS_move_mount, m, "", AT_FDCWD, "m", MOVE_MOUNT_F_EMPTY_PATH));
	CHECK(!stat("m", &st) && (st.st_mode & 0777) == 0700 && !mkdir("m/deep", 0755));
	CHECK(!chroot("m") && !chdir("/") && !access("/deep", F_OK) && access("/proc", F_OK));
	printf("inside ok\n");
}

static void test(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		inside();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	rmdir("m");
}
