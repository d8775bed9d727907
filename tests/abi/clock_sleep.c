/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeps: never too short, absolute or relative, by each clock; remainders add up; errors. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"

#define MS 1000000ll

static int64_t ns(void)
{
	struct timespec ts;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &ts));
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static struct timespec of(int64_t t)
{
	return (struct timespec){ t / 1000000000, t % 1000000000 };
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Sleeps for all of it in spite of alarms; the parts must add up to the whole. */
static void in_parts(int64_t length)
{
	/* Once each: a machine that is slow would else do nothing but handle alarms. */
	struct itimerval it = { { 0, 0 }, { 0, 7000 } }, off = { 0 };
	struct timespec left = of(length), ts;
	int64_t begin = ns(), took;
	int parts = 0;

	do {
		ts = left;
		if (parts++ < 5)
			CHECK(!setitimer(ITIMER_REAL, &it, NULL));
	} while (nanosleep(&ts, &left) && errno == EINTR);
	CHECK(!setitimer(ITIMER_REAL, &off, NULL));
	took = ns() - begin;
	CHECK(took >= length && parts > 1);
}

static void test(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timespec ts;
	struct timeval tv;
	struct epoll_event ev;
	int64_t begin;
	int ep;

	for (unsigned i = 0; i < 3; i++) {
		begin = ns();
		ts = of(15 * MS);
		CHECK(!clock_nanosleep(clocks[i], 0, &ts, NULL));
		CHECK(ns() - begin >= 15 * MS);
		begin = ns();
		CHECK(!clock_gettime(clocks[i], &ts));
		ts = of(ts.tv_sec * 1000000000ll + ts.tv_nsec + 15 * MS);
		CHECK(!clock_nanosleep(clocks[i], TIMER_ABSTIME, &ts, NULL));
		CHECK(ns() - begin >= 14 * MS);
		/* What has passed is not waited for. */
		ts = of(5);
		CHECK(!clock_nanosleep(clocks[i], TIMER_ABSTIME, &ts, NULL));
	}
	/* By the program's own CPU time nobody can sleep alone; an absolute time that is over returns. */
	ts = of(1);
	CHECK(!clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &ts, NULL));
	CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL) == EINVAL);
	CHECK(clock_nanosleep(99, 0, &ts, NULL) == EINVAL);
	ts.tv_nsec = 1000000000;
	CHECK_FAILS(nanosleep(&ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	CHECK_FAILS(nanosleep(&ts, NULL), EINVAL);
	CHECK_FAILS(syscall(SYS_nanosleep, (void *)8, NULL), EFAULT);
	CHECK(!sigaction(SIGALRM, &sa, NULL));
	in_parts(60 * MS);
	/* Timeouts of the others are not too short either. */
	begin = ns();
	CHECK(poll(NULL, 0, 12) == 0 && ns() - begin >= 12 * MS);
	begin = ns();
	ts = of(12 * MS);
	CHECK(ppoll(NULL, 0, &ts, NULL) == 0 && ns() - begin >= 12 * MS);
	begin = ns();
	tv = (struct timeval){ 0, 12000 };
	CHECK(select(0, NULL, NULL, NULL, &tv) == 0 && ns() - begin >= 12 * MS && !tv.tv_usec && !tv.tv_sec);
	begin = ns();
	ep = epoll_create1(0);
	CHECK(ep >= 0 && epoll_wait(ep, &ev, 1, 12) == 0 && ns() - begin >= 11 * MS);
	close(ep);
	signal(SIGALRM, SIG_DFL);
	printf("sleeps ok\n");
}
