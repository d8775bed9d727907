/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Landlock: a child that shuts itself in. */
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void child(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };
	struct landlock_path_beneath_attr rule = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
	int set = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (set < 0) {
		CHECK(errno == ENOSYS || errno == EOPNOTSUPP);
		printf("none here\n");
		return;
	}
	CHECK_FAILS(syscall(SYS_landlock_create_ruleset, &attr, 3, 0), EINVAL);
	rule.parent_fd = open("in", O_PATH);
	CHECK(!syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0));
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !syscall(SYS_landlock_restrict_self, set, 0));
	CHECK(open("in/f", O_RDONLY) >= 0);
	CHECK_FAILS(open("out/f", O_RDONLY), EACCES);
	CHECK(open("out/f", O_WRONLY) >= 0);
	printf("shut in\n");
}

static void test(void)
{
	int status;
	pid_t pid;

	CHECK(!mkdir("in", 0755) && !mkdir("out", 0755));
	close(open("in/f", O_CREAT | O_WRONLY, 0644));
	close(open("out/f", O_CREAT | O_WRONLY, 0644));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		child();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!unlink("in/f") && !unlink("out/f") && !rmdir("in") && !rmdir("out"));
}
