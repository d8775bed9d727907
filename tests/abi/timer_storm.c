/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A timer that expires faster than anything can be done about it: calls are made all the same while
 * its signal is blocked, those that block as well, and in its handler.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static timer_t timer;
static volatile sig_atomic_t seen;

static void arm(long ns)
{
	struct itimerspec its = { { 0, ns }, { 0, ns } };

	CHECK(!timer_settime(timer, 0, &its, NULL));
}

/* Its own signal is blocked in here. */
static void tick(int sig)
{
	struct stat st;

	(void)sig;
	CHECK(timer_getoverrun(timer) >= 0);
	CHECK(!stat(".", &st) && S_ISDIR(st.st_mode));
	if (++seen == 20)
		arm(0);
}

static void calls(void)
{
	int status, fds[2];
	struct stat st;
	char c = 'x';
	pid_t pid;

	for (int i = 0; i < 30; i++)
		CHECK(!stat(".", &st) && S_ISDIR(st.st_mode));
	CHECK(!pipe(fds));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		/* The child has no such timer. */
		CHECK(timer_getoverrun(timer) == -1 && errno == EINVAL);
		usleep(20000);
		CHECK(write(fds[1], &c, 1) == 1);
		_exit(7);
	}
	CHECK(read(fds[0], &c, 1) == 1 && c == 'x');
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(!close(fds[0]) && !close(fds[1]));
}

/* Another signal ends the call that the storm must not. */
static void alarmed(int sig)
{
	(void)sig;
}

static void interrupted(void)
{
	int fds[2];
	char c;

	CHECK(!pipe(fds));
	ualarm(50000, 50000);
	CHECK_FAILS(read(fds[0], &c, 1), EINTR);
	ualarm(0, 0);
	CHECK(!close(fds[0]) && !close(fds[1]));
}

/* It ends while it storms: a thread does, and the process. */
static void *armed_thread(void *arg)
{
	(void)arg;
	arm(1000);
	return NULL;
}

static void ends(void)
{
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	pthread_t thread;
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!timer_create(CLOCK_MONOTONIC, &sev, &timer));
		CHECK(!pthread_create(&thread, NULL, armed_thread, NULL));
		CHECK(!pthread_join(thread, NULL));
		_exit(9);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static void test(void)
{
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct sigaction sa = { .sa_handler = tick };
	sigset_t set, was;

	CHECK(!sigaction(SIGRTMIN, &sa, NULL));
	sa.sa_handler = alarmed;
	CHECK(!sigaction(SIGALRM, &sa, NULL));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	ends();
	CHECK(!timer_create(CLOCK_MONOTONIC, &sev, &timer));
	seen = 0;
	arm(1000);
	calls();
	interrupted();
	CHECK(!seen);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	while (seen < 20)
		;
	CHECK(!timer_delete(timer));
	puts("through");
}
