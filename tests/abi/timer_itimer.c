/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three interval timers of setitimer(2): real time, CPU time of the program, CPU time with its calls. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t seen;

static void count(int sig)
{
	(void)sig;
	seen++;
}

/* Computes until n signals have come. */
static void burn(int n)
{
	volatile uint64_t x = 0;

	while (seen < n)
		for (int i = 0; i < 10000; i++)
			x += i;
}

static void test(void)
{
	static const struct {
		int which, sig;
	} kinds[] = { { ITIMER_REAL, SIGALRM }, { ITIMER_VIRTUAL, SIGVTALRM }, { ITIMER_PROF, SIGPROF } };
	struct itimerval it, old;
	int status;
	pid_t pid;

	for (unsigned i = 0; i < 3; i++) {
		signal(kinds[i].sig, count);
		seen = 0;
		it = (struct itimerval){ { 0, 12000 }, { 0, 12000 } };
		CHECK(!setitimer(kinds[i].which, &it, NULL));
		CHECK(!getitimer(kinds[i].which, &old) && old.it_interval.tv_usec == 12000);
		burn(3);
		/* A child has none. */
		pid = fork();
		if (!pid) {
			CHECK(!getitimer(kinds[i].which, &old));
			_exit(old.it_value.tv_sec || old.it_value.tv_usec || old.it_interval.tv_usec);
		}
		while (waitpid(pid, &status, 0) != pid)
			CHECK(errno == EINTR);
		CHECK(status == 0);
		it = (struct itimerval){ { 0, 0 }, { 1000, 0 } };
		CHECK(!setitimer(kinds[i].which, &it, &old) && old.it_interval.tv_usec == 12000);
		CHECK(!getitimer(kinds[i].which, &old) && old.it_value.tv_sec > 900 &&
		      old.it_value.tv_sec <= 1000 && !old.it_interval.tv_usec);
		it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
		CHECK(!setitimer(kinds[i].which, &it, NULL));
		signal(kinds[i].sig, SIG_DFL);
	}
	it.it_value.tv_usec = 1000000;
	CHECK_FAILS(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	CHECK_FAILS(setitimer(3, &it, NULL), EINVAL);
	CHECK_FAILS(getitimer(3, &it), EINVAL);
	/* CPU timers do not run while the program sleeps; unhandled they end it. */
	pid = fork();
	if (!pid) {
		it = (struct itimerval){ { 0, 0 }, { 0, 20000 } };
		CHECK(!setitimer(ITIMER_VIRTUAL, &it, NULL));
		usleep(100000);
		CHECK(!getitimer(ITIMER_VIRTUAL, &old) && (old.it_value.tv_usec || old.it_value.tv_sec));
		seen = 0;
		burn(1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGVTALRM);
	printf("interval timers ok\n");
}
