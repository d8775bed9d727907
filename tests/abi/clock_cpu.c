/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time wherever it was burnt: one's own by each way to ask, that of children as wait tells it and
 * RUSAGE_CHILDREN adds it up, that of grandchildren only once they are waited for.
 * Not moved: at home Linux counts, and nobody can add to it what was computed on a node
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

#define MS 1000000ll
#define SLACK (30 * MS)	/* what counting by ticks may be wrong by, and what a move costs */

static int64_t of(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000000ll +
	       (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * 1000ll;
}

static int64_t cpu(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t usage(int who)
{
	struct rusage ru;

	CHECK(!getrusage(who, &ru));
	return of(&ru);
}

static int64_t children_by_times(void)
{
	struct tms tms;

	CHECK(times(&tms) != (clock_t)-1);
	return (tms.tms_cutime + tms.tms_cstime) * (1000000000ll / sysconf(_SC_CLK_TCK));
}

static void burn(int64_t length)
{
	int64_t end = cpu(CLOCK_PROCESS_CPUTIME_ID) + length;

	while (cpu(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 20000; i++)
			;
}

static void at_least(int64_t value, int64_t want, const char *what)
{
	if (value + SLACK >= want)
		return;
	printf("FAIL tests/abi/clock_cpu.c: %s: %lld us, not %lld\n", what, (long long)value / 1000,
	       (long long)want / 1000);
	fflush(stdout);
	_exit(1);
}

static void test(void)
{
	int64_t before = usage(RUSAGE_CHILDREN), by_times = children_by_times();
	int64_t own = cpu(CLOCK_PROCESS_CPUTIME_ID), total;
	struct rusage ru;
	siginfo_t si;
	int status;
	pid_t pid;

	burn(60 * MS);
	total = cpu(CLOCK_PROCESS_CPUTIME_ID);
	at_least(total - own, 60 * MS, "the process's clock");
	at_least(usage(RUSAGE_SELF), total, "getrusage");
	at_least(cpu(CLOCK_THREAD_CPUTIME_ID), total, "the thread's clock");
	at_least(clock() * (1000000000ll / CLOCKS_PER_SEC), total, "clock()");

	pid = fork();
	if (!pid) {
		/* A new process has burnt nothing. */
		CHECK(cpu(CLOCK_PROCESS_CPUTIME_ID) < 200 * MS);
		CHECK(usage(RUSAGE_CHILDREN) == 0);
		burn(80 * MS);
		_exit(0);
	}
	CHECK(wait4(pid, &status, 0, &ru) == pid && status == 0);
	at_least(of(&ru), 80 * MS, "wait4");
	at_least(usage(RUSAGE_CHILDREN) - before, 80 * MS, "RUSAGE_CHILDREN");
	at_least(children_by_times() - by_times, 80 * MS, "times");
	/* A grandchild that its parent waits for counts; and waitid tells. */
	pid = fork();
	if (!pid) {
		pid = fork();
		if (!pid) {
			burn(90 * MS);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		at_least(usage(RUSAGE_CHILDREN), 90 * MS, "the child's RUSAGE_CHILDREN");
		_exit(0);
	}
	CHECK(!syscall(SYS_waitid, P_PID, pid, &si, WEXITED, &ru));
	at_least(of(&ru), 90 * MS, "waitid, of a grandchild");
	at_least(usage(RUSAGE_CHILDREN) - before, 170 * MS, "RUSAGE_CHILDREN with a grandchild");
	/* One that nobody waited for does not count. */
	total = usage(RUSAGE_CHILDREN);
	pid = fork();
	if (!pid) {
		burn(1200 * MS);
		pause();
	}
	usleep(1000);
	CHECK(usage(RUSAGE_CHILDREN) == total);
	CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
	printf("CPU time of a family ok\n");
}
