/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces and other roots: what a process and its children see in them, and who they are there. What
 * this machine does not allow is left out, at home and on a node alike.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "tests/abi/child.h"

#define NOT_ALLOWED CHILD_EXITS(43)

static void enter(int flags)
{
	if (unshare(flags)) {
		CHECK(errno == EPERM || errno == EINVAL || errno == ENOSPC);
		_exit(43);
	}
}

static void host_name(void)
{
	struct utsname u;

	enter(CLONE_NEWUTS);
	CHECK(!sethostname("elsewhere", 9));
	CHECK(!uname(&u) && !strcmp(u.nodename, "elsewhere"));
}

static void grandchild(void)
{
	CHECK(getpid() == 2 && getppid() == 1 && syscall(SYS_gettid) == 2);
	CHECK(!kill(1, 0) && !kill(2, 0));
}

static void first(void)
{
	pid_t pid;
	int status;

	CHECK(getpid() == 1 && getppid() == 0 && syscall(SYS_gettid) == 1);
	CHECK(in_child(grandchild) == CHILD_OK);
	CHECK_FAILS(kill(1000000, 0), ESRCH);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	CHECK(pid == 3);
	CHECK(!kill(pid, SIGTERM) && waitpid(pid, &status, 0) == 3 && WTERMSIG(status) == SIGTERM);
	/* To itself, as the first of its namespace: not even SIGKILL. */
	CHECK(!kill(getpid(), SIGTERM) && !kill(1, SIGKILL));
}

static void processes(void)
{
	enter(CLONE_NEWPID);
	CHECK(getpid() > 1);
	CHECK(in_child(first) == CHILD_OK);
}

static void clone_into(void)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		CHECK(errno == EPERM);
		_exit(43);
	}
	if (!pid) {
		first();
		_exit(42);
	}
	CHECK(pid > 1 && waitpid(pid, &status, 0) == pid && status == CHILD_OK);
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

/* Root of a user namespace of its own. */
static void users(void)
{
	uid_t me = geteuid();
	gid_t group = getegid();
	char text[64];

	enter(CLONE_NEWUSER);
	CHECK(geteuid() == 65534);
	write_to("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", me);
	write_to("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", group);
	write_to("/proc/self/gid_map", text);
	CHECK(getuid() == 0 && geteuid() == 0 && getgid() == 0);
	CHECK_FAILS(setuid(5), EINVAL);
	CHECK(!unshare(CLONE_NEWUTS) && !sethostname("inside", 6));
}

static void other_root(void)
{
	char cwd[64];

	CHECK(!mkdir("root", 0755) && !mkdir("root/in", 0755));
	if (chroot("root")) {
		CHECK(errno == EPERM && !rmdir("root/in") && !rmdir("root"));
		_exit(43);
	}
	CHECK(!chdir("/") && getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
	CHECK(!access("/in", F_OK) && access("/proc", F_OK));
	CHECK(!rmdir("/in") && !chdir("/"));
}

static void mounts(void)
{
	enter(CLONE_NEWNS);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		/* In a chroot the root is no mount point. */
		CHECK(errno == EINVAL || errno == EPERM || errno == EACCES);
		_exit(43);
	}
	CHECK(!mkdir("mounted", 0755) && !mount("none", "mounted", "tmpfs", 0, NULL));
	write_to("/proc/self/oom_score_adj", "0");
	CHECK(close(open("mounted/file", O_CREAT | O_WRONLY, 0644)) == 0);
	CHECK(!umount("mounted") && access("mounted/file", F_OK) && !rmdir("mounted"));
}

static void without(void)
{
	CHECK(!unshare(0) && !unshare(CLONE_FS) && !unshare(CLONE_FILES) && !unshare(CLONE_SYSVSEM));
	CHECK_FAILS(unshare(1), EINVAL);
}

static void test(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} cases[] = {
		{ "host name", host_name }, { "processes", processes }, { "clone", clone_into },
		{ "users", users },	    { "root", other_root },	{ "mounts", mounts },
		{ "none", without },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = in_child(cases[i].fn);

		CHECK(status == CHILD_OK || status == NOT_ALLOWED);
		printf("%s: %s\n", cases[i].name, status == CHILD_OK ? "ok" : "not allowed here");
	}
	rmdir("root");
}
