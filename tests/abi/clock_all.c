/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every clock there is: it can be read, has a resolution, agrees with its kin, and does not go back. (But CPU
 * time does when one comes home: see clock_cpu.c.)
 */
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"

#ifndef CLOCK_TAI
#define CLOCK_TAI 11
#endif

static int64_t ns(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	CHECK(ts.tv_sec >= 0 && ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void test(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME,
					    CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI,
					    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	enum { STEADY = 4, N = sizeof(clocks) / sizeof(clocks[0]) };
	int64_t last[N] = { 0 };
	struct timespec res, raw;
	struct timeval tv;
	time_t t;

	for (int round = 0; round < 300; round++)
		for (unsigned i = 0; i < N; i++) {
			int64_t now = ns(clocks[i]);

			/* The first are not set by anybody. */
			if (now < last[i] && i < STEADY) {
				printf("FAIL tests/abi/clock_all.c: clock %d goes back by %lld ns\n", clocks[i],
				       (long long)(last[i] - now));
				fflush(stdout);
				_exit(1);
			}
			last[i] = now;
		}
	for (unsigned i = 0; i < N; i++) {
		CHECK(!clock_getres(clocks[i], &res) && res.tv_sec == 0 && res.tv_nsec > 0 && res.tv_nsec <= 10000000);
	}
	/* The same by the library (vDSO) and by the call. */
	for (int i = 0; i < 20; i++) {
		int64_t a = ns(CLOCK_MONOTONIC), b, c;

		CHECK(!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &raw));
		b = raw.tv_sec * 1000000000ll + raw.tv_nsec;
		c = ns(CLOCK_MONOTONIC);
		CHECK(a <= b && b <= c);
	}
	/* Between two readings of one lies that of another way to ask. */
	int64_t before = ns(CLOCK_REALTIME_COARSE);
	CHECK(!gettimeofday(&tv, NULL));
	t = time(NULL);
	CHECK(tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll >= before - 20000000);
	CHECK(t >= before / 1000000000 - 1 && t <= ns(CLOCK_REALTIME) / 1000000000 + 1);
	CHECK(ns(CLOCK_BOOTTIME) >= ns(CLOCK_MONOTONIC) - 1000000000);
	CHECK_FAILS(syscall(SYS_clock_gettime, 99, &raw), EINVAL);
	CHECK_FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (void *)8), EFAULT);
	CHECK_FAILS(syscall(SYS_clock_getres, 99, &raw), EINVAL);
	printf("clocks ok\n");
}
