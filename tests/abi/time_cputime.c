/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time grows while computing, stands still while sleeping, and is the same by every way to ask.
 * Not moved: at home Linux counts, and nobody can add to it what was computed on a node
 */
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#include "tests/abi/abi.h"

static int64_t ns(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t used(void)
{
	struct rusage ru;

	CHECK(!getrusage(RUSAGE_SELF, &ru));
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000000ll +
	       (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1000ll;
}

static void test(void)
{
	struct timespec nap = { .tv_nsec = 100000000 };
	int64_t t, last = ns(CLOCK_PROCESS_CPUTIME_ID);
	struct tms tms;

	for (int i = 0; i < 20000; i++) {
		t = ns(i % 2 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID);
		CHECK(t + 20000000 >= last);
		last = t;
	}
	t = ns(CLOCK_PROCESS_CPUTIME_ID);
	for (volatile int i = 0; i < 30000000; i++)
		;
	CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) - t > 1000000);
	t = ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK(!nanosleep(&nap, NULL));
	CHECK(ns(CLOCK_PROCESS_CPUTIME_ID) - t < 90000000);
	t = ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK(llabs(used() - t) < 100000000);
	CHECK(times(&tms) != (clock_t)-1);
	t = (tms.tms_utime + tms.tms_stime) * (1000000000ll / sysconf(_SC_CLK_TCK));
	CHECK(llabs(t - ns(CLOCK_PROCESS_CPUTIME_ID)) < 100000000);
	printf("CPU time ok\n");
}
