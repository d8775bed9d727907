/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduling policies by the three interfaces to them, their inheritance, and what is refused. */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/child.h"

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
	uint64_t beyond[4];
};

static void batch_is_inherited(void)
{
	CHECK(sched_getscheduler(0) == SCHED_BATCH);
}

static void idle_is_inherited(void)
{
	CHECK(sched_getscheduler(0) == SCHED_IDLE);
}

static void plain_policies(void)
{
	struct sched_param none = { 0 }, one = { 1 };

	CHECK(!sched_setscheduler(0, SCHED_BATCH, &none) && sched_getscheduler(0) == SCHED_BATCH);
	CHECK(in_child(batch_is_inherited) == CHILD_OK);
	CHECK(!sched_setscheduler(getpid(), SCHED_IDLE, &none) && sched_getscheduler(0) == SCHED_IDLE);
	CHECK(in_child(idle_is_inherited) == CHILD_OK);
	CHECK_FAILS(sched_setscheduler(0, SCHED_OTHER, &one), EINVAL);
	CHECK_FAILS(sched_setscheduler(0, 99, &none), EINVAL);
	CHECK_FAILS(sched_setscheduler(-1, SCHED_OTHER, &none), EINVAL);
	CHECK_FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	CHECK_FAILS(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 1), EFAULT);
	CHECK(!sched_setparam(0, &none));
	CHECK_FAILS(sched_setparam(0, &one), EINVAL);
}

static void reset_on_fork(void)
{
	CHECK(sched_getscheduler(0) == SCHED_OTHER);
}

static void realtime(void)
{
	struct sched_param p = { 7 }, got;
	struct timespec ts;

	if (sched_setscheduler(0, SCHED_RR, &p)) {
		CHECK(errno == EPERM);
		return;
	}
	CHECK(sched_getscheduler(0) == SCHED_RR && !sched_getparam(0, &got) && got.sched_priority == 7);
	CHECK(!sched_rr_get_interval(0, &ts) && (ts.tv_sec || ts.tv_nsec));
	sched_yield();
	p.sched_priority = 3;
	CHECK(!sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p));
	CHECK(sched_getscheduler(0) == (SCHED_FIFO | SCHED_RESET_ON_FORK));
	CHECK(in_child(reset_on_fork) == CHILD_OK);
	p.sched_priority = 0;
	CHECK_FAILS(sched_setparam(0, &p), EINVAL);
	CHECK(!sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p));
}

static void by_attributes(void)
{
	struct attr a;

	memset(&a, 0xee, sizeof(a));
	CHECK(!syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0));
	CHECK(a.size >= 48 && a.policy == SCHED_OTHER && a.nice == 0 && a.priority == 0);
	memset(&a, 0, sizeof(a));
	a.size = 48;
	a.policy = SCHED_BATCH;
	a.nice = 4;
	CHECK(!syscall(SYS_sched_setattr, 0, &a, 0));
	memset(&a, 0, sizeof(a));
	CHECK(!syscall(SYS_sched_getattr, 0, &a, 48, 0));
	CHECK(a.size == 48 && a.policy == SCHED_BATCH && a.nice == 4);
	a.policy = 66;
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
	a.policy = SCHED_OTHER;
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
	/* Larger than Linux knows, with something in it. */
	a.size = sizeof(a);
	a.beyond[3] = 1;
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	CHECK(a.size >= 48 && a.size < sizeof(a));
	a.size = 8;
	CHECK_FAILS(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
	CHECK(a.size >= 48);
	CHECK_FAILS(syscall(SYS_sched_getattr, 0, &a, 8, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_sched_getattr, 0, &a, sizeof(a), 1), EINVAL);
}

static void test(void)
{
	CHECK(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_RR) == 1);
	CHECK(sched_get_priority_max(SCHED_OTHER) == 0);
	CHECK_FAILS(sched_get_priority_max(77), EINVAL);
	CHECK(in_child(plain_policies) == CHILD_OK);
	CHECK(in_child(realtime) == CHILD_OK);
	CHECK(in_child(by_attributes) == CHILD_OK);
	CHECK(sched_getscheduler(0) == SCHED_OTHER);
	printf("policies ok\n");
}
