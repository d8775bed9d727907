/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling calls: yield, affinity, priority, policy as a plain process finds them. */
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct sched_param sp;
	cpu_set_t set, one;
	int status, cpu;
	unsigned c, node;
	pid_t pid;

	CHECK(!sched_yield());
	CHECK(!sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) >= 1);
	for (cpu = 0; !CPU_ISSET(cpu, &set); cpu++)
		;
	CHECK(sched_getscheduler(0) == SCHED_OTHER && !sched_getparam(0, &sp) && !sp.sched_priority);
	CHECK(!getcpu(&c, &node));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK(!sched_setaffinity(0, sizeof(one), &one));
		CHECK(!sched_getaffinity(0, sizeof(one), &one) && CPU_COUNT(&one) == 1);
		CHECK(!setpriority(PRIO_PROCESS, 0, 7) && getpriority(PRIO_PROCESS, 0) == 7);
		_exit(11);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 11);
	CHECK(getpriority(PRIO_PROCESS, 0) == 0);
	CPU_ZERO(&one);
	CHECK_FAILS(sched_setaffinity(0, sizeof(one), &one), EINVAL);
	printf("scheduling ok\n");
}
