/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers and waiting: SIGALRM ends sleeps and reads with EINTR, or restarts them where it was asked. */
#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t alarms;
static int feed = -1;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
	if (feed >= 0)
		CHECK(write(feed, "!", 1) == 1);
}

static void handler(int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };

	CHECK(!sigaction(SIGALRM, &sa, NULL));
}

static void after_ms(unsigned ms, unsigned every)
{
	struct itimerval it = { { every / 1000, every % 1000 * 1000 }, { ms / 1000, ms % 1000 * 1000 } };

	CHECK(!setitimer(ITIMER_REAL, &it, NULL));
}

static void test(void)
{
	struct timespec ts = { .tv_sec = 20 }, left, start;
	struct itimerval it;
	sigset_t set, was;
	int fd[2];
	char c;

	/*
	 * The timer repeats: an alarm that comes before the call it is meant for is no error, when the
	 * process is held up in between.
	 */
	alarms = 0;
	feed = -1;
	CHECK(!pipe(fd));
	handler(0);
	after_ms(30, 30);
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (nanosleep(&ts, &left) == 0) {
		clock_gettime(CLOCK_MONOTONIC, &left);
		printf("slept for %ld s in spite of %d alarms\n", (long)(left.tv_sec - start.tv_sec),
		       (int)alarms);
		CHECK(!"interrupted");
	}
	CHECK(errno == EINTR);
	CHECK(alarms >= 1 && left.tv_sec >= 10 && left.tv_sec < 20);
	CHECK_FAILS(read(fd[0], &c, 1), EINTR);
	CHECK(alarms >= 2);
	after_ms(0, 0);
	alarms = 2;
	/* Restarted: the handler itself provides what is read. */
	handler(SA_RESTART);
	feed = fd[1];
	after_ms(30, 0);
	CHECK(read(fd[0], &c, 1) == 1 && c == '!' && alarms == 3);
	feed = -1;
	/* sigsuspend lets it in and comes back with the old mask. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	after_ms(20, 0);
	ts = (struct timespec){ .tv_nsec = 60000000 };
	CHECK(!nanosleep(&ts, NULL) && alarms == 3);
	CHECK_FAILS(sigsuspend(&was), EINTR);
	CHECK(alarms == 4);
	CHECK(!sigprocmask(SIG_SETMASK, &was, &set) && sigismember(&set, SIGALRM));
	after_ms(20, 20);
	while (alarms < 8)
		pause();
	after_ms(0, 0);
	CHECK(alarm(100) == 0 && alarm(0) == 100);
	CHECK(!getitimer(ITIMER_REAL, &it) && it.it_value.tv_sec == 0 && it.it_value.tv_usec == 0);
	signal(SIGALRM, SIG_DFL);
	close(fd[0]);
	close(fd[1]);
	printf("alarms ok\n");
}
