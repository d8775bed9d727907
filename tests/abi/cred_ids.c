/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Users and groups: the set*id families as root sees them and as nobody does; files are made as who
 * one is. As an ordinary user, what is refused.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/child.h"

static void users(uid_t r, uid_t e, uid_t s)
{
	uid_t gr, ge, gs;

	CHECK(!getresuid(&gr, &ge, &gs) && gr == r && ge == e && gs == s);
	CHECK(getuid() == r && geteuid() == e);
}

static void groups(gid_t r, gid_t e, gid_t s)
{
	gid_t gr, ge, gs;

	CHECK(!getresgid(&gr, &ge, &gs) && gr == r && ge == e && gs == s);
	CHECK(getgid() == r && getegid() == e);
}

/* The user whom a new file belongs to. */
static uid_t maker(const char *name)
{
	struct stat st;
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);

	CHECK(fd >= 0 && !fstat(fd, &st) && !close(fd) && !unlink(name));
	return st.st_uid;
}

static void steps(void)
{
	users(0, 0, 0);
	CHECK(!setresuid(10, 11, 0));
	users(10, 11, 0);
	CHECK_FAILS(setresuid(12, -1, -1), EPERM);
	CHECK(!seteuid(0));
	users(10, 0, 0);
	CHECK(!setreuid(20, 21));
	users(20, 21, 21);
	CHECK_FAILS(setuid(0), EPERM);
	CHECK(!setreuid(21, 20));
	users(21, 20, 20);
	CHECK(!setuid(21));
	users(21, 21, 20);
}

static void for_good(void)
{
	CHECK(!setgroups(0, NULL) && !setgid(500) && !setuid(500));
	users(500, 500, 500);
	groups(500, 500, 500);
	CHECK_FAILS(setuid(0), EPERM);
	CHECK_FAILS(setgid(0), EPERM);
	CHECK_FAILS(setgroups(0, NULL), EPERM);
	CHECK_FAILS(open("/etc/shadow", O_RDONLY), EACCES);
	CHECK_FAILS(kill(getppid(), 0), EPERM);
	CHECK_FAILS(chroot("/"), EPERM);
}

static void group_steps(void)
{
	gid_t list[3] = { 7, 5, 6 }, got[8];

	CHECK(!setresgid(1, 2, 3));
	groups(1, 2, 3);
	CHECK(!setregid(-1, 9));
	groups(1, 9, 9);
	CHECK(!setgid(4));
	groups(4, 4, 4);
	CHECK(!setgroups(3, list) && getgroups(0, NULL) == 3 && getgroups(8, got) == 3);
	CHECK(got[0] + got[1] + got[2] == 18);
	CHECK_FAILS(getgroups(1, got), EINVAL);
	CHECK_FAILS(setgroups(1 << 20, list), EINVAL);
	CHECK(!setgroups(0, NULL) && getgroups(8, got) == 0);
}

static void file_ids(void)
{
	CHECK(!chmod(".", 0777));
	CHECK(setfsuid(77) == 0 && setfsuid(-1) == 77);
	CHECK(maker("by-fsuid") == 77);
	CHECK(geteuid() == 0);
	CHECK(setfsuid(0) == 77 && maker("by-root") == 0);
	CHECK(setfsgid(78) == 0 && setfsgid(-1) == 78 && setfsgid(0) == 78);
	CHECK(!seteuid(79) && maker("by-euid") == 79 && setfsuid(-1) == 79);
	CHECK(!seteuid(0) && maker("by-root") == 0);
}

/* What a child and its signals see. */
static void child_of_another(void)
{
	pid_t pid;
	int status;

	CHECK(!setresuid(600, 600, 0));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		users(600, 600, 0);
		CHECK(!kill(getppid(), 0));
		CHECK(!seteuid(0));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	users(600, 600, 0);
}

static void refused(void)
{
	uid_t u = getuid();
	gid_t g = getgid();

	CHECK_FAILS(setresuid(u + 1, -1, -1), EPERM);
	CHECK_FAILS(setgid(g + 1), EPERM);
	CHECK(!setresuid(u, u, u) && !setresgid(g, g, g) && !setuid(u) && !setgid(g));
	CHECK_FAILS(syscall(SYS_getresuid, 8, 8, 8), EFAULT);
	CHECK_FAILS(setreuid(-1, u + 1), EPERM);
}

static void as_nobody(void)
{
	CHECK(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
	refused();
}

static void test(void)
{
	if (geteuid()) {
		CHECK(in_child(refused) == CHILD_OK);
	} else {
		CHECK(in_child(steps) == CHILD_OK);
		CHECK(in_child(for_good) == CHILD_OK);
		CHECK(in_child(group_steps) == CHILD_OK);
		CHECK(in_child(file_ids) == CHILD_OK);
		CHECK(in_child(child_of_another) == CHILD_OK);
		CHECK(in_child(as_nobody) == CHILD_OK);
	}
	printf("users and groups ok\n");
}
