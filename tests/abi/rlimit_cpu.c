/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RLIMIT_CPU: SIGXCPU at the soft limit and again each second, SIGKILL at the hard one.
 * Not moved: home does not count what nodes have burnt
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define ABI_OWN_MAIN
#include "tests/abi/child.h"

static volatile sig_atomic_t seen;

static void on_xcpu(int sig)
{
	CHECK(sig == SIGXCPU);
	seen++;
}

static double burnt(void)
{
	struct timespec ts;

	CHECK(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void limit(rlim_t soft, rlim_t hard)
{
	struct rlimit rl = { soft, hard }, got;

	CHECK(!setrlimit(RLIMIT_CPU, &rl) && !getrlimit(RLIMIT_CPU, &got));
	CHECK(got.rlim_cur == soft && got.rlim_max == hard);
}

static void __attribute__((noreturn)) spin(void)
{
	for (volatile long n = 0;; n++)
		;
}

static void by_default(void)
{
	limit(1, 100);
	spin();
}

static void handled(void)
{
	signal(SIGXCPU, on_xcpu);
	limit(1, 3);
	while (!seen)
		;
	CHECK(burnt() > 0.2);
	while (seen < 2)
		;
	CHECK(burnt() > 0.4);
	spin();	/* until it is killed */
}

static void ignored(void)
{
	signal(SIGXCPU, SIG_IGN);
	limit(1, 2);
	spin();
}

/* Sleep does not count. */
static void asleep(void)
{
	struct timespec ts = { 1, 500000000 };

	limit(1, 1);
	CHECK(!nanosleep(&ts, NULL));
	limit(1, 1);
}

static void past(void)
{
	struct rlimit rl = { 1, 50 };

	while (burnt() < 1.1)
		;
	signal(SIGXCPU, on_xcpu);
	CHECK(!setrlimit(RLIMIT_CPU, &rl));
	while (!seen)
		;
}

int main(void)
{
	for (unsigned i = 0; i < abi_rounds() && i < 1; i++) {
		int status = in_child(by_default);

		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
		CHECK(in_child(handled) == SIGKILL);
		CHECK(in_child(ignored) == SIGKILL);
		CHECK(in_child(asleep) == CHILD_OK);
		CHECK(in_child(past) == CHILD_OK);
	}
	printf("CPU time is limited\n");
	return 0;
}
