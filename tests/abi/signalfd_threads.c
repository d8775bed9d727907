/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signalfd(2) in a program with threads: one reads what all block; signals for one thread are its own. */
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "tests/abi/abi.h"

#define ROUNDS 10

static int fd;
static volatile sig_atomic_t seen;

static int next(void)
{
	struct signalfd_siginfo si;

	CHECK(read(fd, &si, sizeof(si)) == sizeof(si));
	return (int)si.ssi_signo;
}

static void on_usr2(int sig)
{
	(void)sig;
	seen++;
}

static void *reads(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++)
		CHECK(next() == SIGUSR1);
	return NULL;
}

/* It alone lets SIGUSR2 through, so those for the process are its. */
static void *takes(void *arg)
{
	sigset_t set, open;
	int before = fd;

	(void)arg;
	/* Made while there are threads; all block it. */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	fd = signalfd(-1, &set, 0);
	CHECK(fd >= 0 && !kill(getpid(), SIGHUP) && next() == SIGHUP);
	close(fd);
	fd = before;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(!pthread_sigmask(SIG_SETMASK, NULL, &open));
	sigdelset(&open, SIGUSR2);
	for (int i = 0; i < ROUNDS; i++) {
		int before = seen;

		CHECK(!kill(getpid(), SIGUSR2));
		while (seen == before)
			sigsuspend(&open);
		CHECK(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
		CHECK(!pthread_kill(pthread_self(), SIGUSR2) && seen == before + 2);
		CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
		CHECK(!pthread_kill(pthread_self(), SIGUSR2) && seen == before + 2);
		CHECK(next() == SIGUSR2);
	}
	return NULL;
}

static void test(void)
{
	struct sigaction sa = { .sa_handler = on_usr2 };
	pthread_t reader, taker;
	sigset_t set, was;

	seen = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	CHECK(!sigaction(SIGUSR2, &sa, NULL));
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	fd = signalfd(-1, &set, 0);
	CHECK(fd >= 0);
	sigaddset(&set, SIGHUP);
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK(!pthread_create(&taker, NULL, takes, NULL));
	CHECK(!pthread_join(taker, NULL));
	CHECK(seen == 2 * ROUNDS);
	CHECK(!pthread_create(&reader, NULL, reads, NULL));
	for (int i = 0; i < ROUNDS; i++) {
		sigset_t pending;

		CHECK(!kill(getpid(), SIGUSR1));
		/* Until it is read: a second one would be dropped. */
		do {
			usleep(1000);
			CHECK(!sigpending(&pending));
		} while (sigismember(&pending, SIGUSR1));
	}
	CHECK(!pthread_join(reader, NULL));
	close(fd);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	printf("ok\n");
}
