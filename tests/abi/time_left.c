/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A wait for a time takes that time, and not anew after each interruption that the program cannot see. */
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/abi/abi.h"

#define LENGTH_MS 250
#define LATE_MS 400	/* for a busy machine, and moves */

static int64_t now_ms(void)
{
	struct timespec ts;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void took(const char *what, int64_t since)
{
	int64_t ms = now_ms() - since;

	if (ms < LENGTH_MS - 1 || ms > LENGTH_MS + LATE_MS)
		printf("%s took %lld ms\n", what, (long long)ms);
}

static void test(void)
{
	const struct timespec ts = { .tv_nsec = LENGTH_MS * 1000000 };
	struct timespec rem = { 0, 0 };
	int word = 7;
	int64_t t;

	t = now_ms();
	CHECK(!nanosleep(&ts, NULL));
	took("nanosleep", t);
	t = now_ms();
	CHECK(!clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem));
	took("clock_nanosleep", t);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec == LENGTH_MS * 1000000);
	t = now_ms();
	CHECK(poll(NULL, 0, LENGTH_MS) == 0);
	took("poll", t);
	t = now_ms();
	CHECK_FAILS(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 7, &ts, NULL, 0), ETIMEDOUT);
	took("futex", t);
	printf("times ok\n");
}
