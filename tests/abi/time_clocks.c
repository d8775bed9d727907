/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks never go back, agree with each other, and sleeps last at least as long as asked. */
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"

static int64_t ns(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void test(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME,
					    CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE };
	struct timespec ts, res;
	struct timeval tv;
	int64_t last, t;

	for (unsigned c = 0; c < sizeof(clocks) / sizeof(clocks[0]); c++) {
		last = ns(clocks[c]);
		for (int i = 0; i < 20000; i++) {
			t = ns(clocks[c]);
			if (t < last)
				printf("clock %d went back by %lld ns\n", clocks[c],
				       (long long)(last - t));
			CHECK(t >= last);
			last = t;
		}
	}
	for (int ms = 1; ms < 40; ms += 13) {
		t = ns(CLOCK_MONOTONIC);
		ts = (struct timespec){ .tv_nsec = ms * 1000000 };
		CHECK(!nanosleep(&ts, NULL));
		t = ns(CLOCK_MONOTONIC) - t;
		if (t < ms * 1000000ll)
			printf("%d ms took only %lld ns\n", ms, (long long)t);
		CHECK(t >= ms * 1000000ll);
	}
	t = ns(CLOCK_MONOTONIC) + 20000000;
	ts = (struct timespec){ t / 1000000000, t % 1000000000 };
	CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	CHECK(ns(CLOCK_MONOTONIC) >= t);
	t = ns(CLOCK_REALTIME);
	CHECK(!gettimeofday(&tv, NULL));
	CHECK(tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll - t > -2000ll);
	CHECK(tv.tv_sec * 1000000000ll + tv.tv_usec * 1000ll - t < 10000000000ll);
	CHECK(time(NULL) >= tv.tv_sec - 1 && time(NULL) < tv.tv_sec + 10);
	CHECK(!clock_getres(CLOCK_MONOTONIC, &res) && res.tv_sec == 0 && res.tv_nsec > 0);
	ts.tv_nsec = 1000000000;
	CHECK_FAILS(nanosleep(&ts, NULL), EINVAL);
	CHECK_FAILS(clock_gettime(77, &ts), EINVAL);
	printf("clocks ok\n");
}
