/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nice, setpriority and ioprio: what is set is told, inherited by children, and limited. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/child.h"

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_BE(n) (2 << 13 | (n))

static void inherited(void)
{
	CHECK(getpriority(PRIO_PROCESS, 0) == 12);
	CHECK(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) == IOPRIO_BE(6));
}

static void nicer(void)
{
	pid_t pid;
	int status;

	errno = 0;
	CHECK(nice(5) == 5 && nice(7) == 12);
	CHECK(getpriority(PRIO_PROCESS, getpid()) == 12);
	CHECK(!setpriority(PRIO_PROCESS, getpid(), 12));
	CHECK(!syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BE(6)));
	CHECK(in_child(inherited) == CHILD_OK);
	/* Of a child, by its pid; and beyond the end of the scale. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		for (;;)
			;
	CHECK(!setpriority(PRIO_PROCESS, pid, 100) && getpriority(PRIO_PROCESS, pid) == 19);
	CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	CHECK_FAILS(getpriority(PRIO_PROCESS, pid), ESRCH);
	CHECK_FAILS(setpriority(PRIO_PROCESS, pid, 3), ESRCH);
	CHECK_FAILS(setpriority(77, 0, 3), EINVAL);
	CHECK(syscall(SYS_getpriority, PRIO_PROCESS, 0) == 20 - 12);
}

static void of_a_group(void)
{
	CHECK(!setpgid(0, 0));
	CHECK(!setpriority(PRIO_PGRP, 0, 9));
	CHECK(getpriority(PRIO_PROCESS, 0) == 9 && getpriority(PRIO_PGRP, 0) == 9);
	CHECK(!setpriority(PRIO_PGRP, getpgrp(), 11) && getpriority(PRIO_PROCESS, 0) == 11);
}

static void without_privilege(void)
{
	struct rlimit none = { 0, 0 };

	CHECK(!setrlimit(RLIMIT_NICE, &none));
	if (!geteuid())
		CHECK(!setresuid(65534, 65534, 65534));
	CHECK(!setpriority(PRIO_PROCESS, 0, 10));
	CHECK_FAILS(setpriority(PRIO_PROCESS, 0, 5), EACCES);
	CHECK(getpriority(PRIO_PROCESS, 0) == 10);
	CHECK_FAILS(setpriority(PRIO_PROCESS, getppid(), 15), EPERM);
}

static void test(void)
{
	CHECK(in_child(nicer) == CHILD_OK);
	CHECK(in_child(of_a_group) == CHILD_OK);
	if (!geteuid())
		CHECK(in_child(without_privilege) == CHILD_OK);
	CHECK(getpriority(PRIO_PROCESS, 0) == 0);
	printf("priorities ok\n");
}
