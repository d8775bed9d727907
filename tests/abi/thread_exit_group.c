/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a process whose threads are anywhere: blocked in calls, on futexes, asleep, computing. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static int p[2], how;
static sem_t ready, never;

static void *in_read(void *arg)
{
	char c;

	sem_post(&ready);
	(void)!read(p[0], &c, 1);
	return arg;
}

static void *in_poll(void *arg)
{
	struct pollfd pfd = { .fd = p[0], .events = POLLIN };

	sem_post(&ready);
	poll(&pfd, 1, -1);
	return arg;
}

static void *in_futex(void *arg)
{
	sem_post(&ready);
	sem_wait(&never);
	return arg;
}

static void *in_sleep(void *arg)
{
	sem_post(&ready);
	sleep(3600);
	return arg;
}

static void *computing(void *arg)
{
	sem_post(&ready);
	for (volatile int i = 0;; i++)
		;
	return arg;
}

static void *ends(void *arg)
{
	switch (how) {
	case 0:
		_exit(33);
	case 1:
		exit(34);
	case 2:
		abort();
	case 3:
		kill(getpid(), SIGTERM);
		break;
	case 4:
		raise(SIGKILL);
		break;
	case 5:
		*(volatile int *)arg = 1;
	}
	for (;;)
		pause();
}

static void test(void)
{
	static void *(*const fn[])(void *) = { in_read, in_poll, in_futex, in_sleep, computing };
	const unsigned n = sizeof(fn) / sizeof(fn[0]);

	fflush(stdout);
	CHECK(!pipe(p) && !sem_init(&ready, 0, 0) && !sem_init(&never, 0, 0));
	for (how = 0; how < 8; how++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			pthread_t t;

			for (unsigned i = 0; i < n; i++)
				CHECK(!pthread_create(&t, NULL, fn[i], NULL));
			for (unsigned i = 0; i < n; i++)
				while (sem_wait(&ready))
					;
			if (how == 6)
				_exit(35);
			if (how == 7)
				return (void)kill(getpid(), SIGKILL);
			CHECK(!pthread_create(&t, NULL, ends, NULL));
			pause();
			pthread_exit(NULL);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		printf("case %d: status %#x\n", how, status & ~0x80);
		fflush(stdout);
	}
	close(p[0]);
	close(p[1]);
}
