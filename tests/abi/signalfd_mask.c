/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signalfd(2) has what is blocked, and handlers the rest: unblocking, masks of handlers, sigsuspend and
 * ppoll, signals that are ignored.
 */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "tests/abi/abi.h"

static int fd;
static volatile int seen1, seen2, in_handler;
static sigset_t both, one, was;

/* The next signal in the descriptor; 0: none. */
static int next(void)
{
	struct signalfd_siginfo si;
	ssize_t n = read(fd, &si, sizeof(si));

	if (n < 0 && errno == EAGAIN)
		return 0;
	CHECK(n == sizeof(si));
	return (int)si.ssi_signo;
}

static void on_usr1(int sig)
{
	(void)sig;
	seen1++;
}

static void on_usr2(int sig)
{
	(void)sig;
	seen2++;
	/* Its mask blocks SIGUSR1, which waits in the descriptor meanwhile. */
	CHECK(!raise(SIGUSR1) && !seen1);
	in_handler = next();
	CHECK(!raise(SIGUSR1) && !seen1);
}

static void unblocking(void)
{
	CHECK(!sigprocmask(SIG_BLOCK, &both, NULL));
	CHECK(!raise(SIGUSR1) && !kill(getpid(), SIGUSR1));
	CHECK(seen1 == 0);
	/* One was sent to the thread and one to the process. */
	CHECK(!sigprocmask(SIG_UNBLOCK, &both, NULL));
	CHECK(seen1 == 2 && next() == 0);
	CHECK(!raise(SIGUSR1) && seen1 == 3);
	CHECK(!kill(getpid(), SIGUSR1) && seen1 == 4);
	seen1 = 0;
}

static void handler_mask(void)
{
	struct sigaction sa = { .sa_handler = on_usr2 };

	sigaddset(&sa.sa_mask, SIGUSR1);
	CHECK(!sigaction(SIGUSR2, &sa, NULL));
	CHECK(!raise(SIGUSR2));
	CHECK(seen2 == 1 && in_handler == SIGUSR1 && seen1 == 1 && next() == 0);
	seen1 = seen2 = 0;
}

static void suspending(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t open;

	CHECK(!sigprocmask(SIG_BLOCK, &both, &open));
	CHECK(!raise(SIGUSR1));
	CHECK_FAILS(sigsuspend(&open), EINTR);
	CHECK(seen1 == 1 && next() == 0);
	CHECK(!raise(SIGUSR1) && seen1 == 1);
	/* Ready and interrupted at once: ppoll looks at the descriptors first. */
	CHECK(ppoll(&p, 1, NULL, NULL) == 1 && seen1 == 1);
	CHECK_FAILS(ppoll(NULL, 0, NULL, &open), EINTR);
	CHECK(seen1 == 2 && next() == 0);
	/* The mask is as before. */
	CHECK(!raise(SIGUSR1) && seen1 == 2 && next() == SIGUSR1);
	CHECK(!sigprocmask(SIG_SETMASK, &open, NULL));
	seen1 = 0;
}

static void ignoring(void)
{
	struct sigaction sa = { .sa_handler = SIG_IGN }, old;

	CHECK(!sigprocmask(SIG_BLOCK, &one, NULL));
	CHECK(!raise(SIGUSR1));
	CHECK(!sigaction(SIGUSR1, &sa, &old));
	CHECK(next() == 0);
	/* Blocked, it is kept though it is ignored; until it is ignored once more. */
	CHECK(!raise(SIGUSR1) && next() == SIGUSR1);
	CHECK(!raise(SIGUSR1) && !sigaction(SIGUSR1, &sa, NULL) && next() == 0);
	CHECK(!sigaction(SIGUSR1, &old, NULL));
	CHECK(!sigprocmask(SIG_UNBLOCK, &one, NULL) && seen1 == 0);
}

/* What is taken by sigtimedwait is not read, and the other way round. */
static void waiting(void)
{
	const struct timespec now = { 0 };

	CHECK(!sigprocmask(SIG_BLOCK, &one, NULL));
	CHECK(!raise(SIGUSR1));
	CHECK(sigtimedwait(&one, NULL, &now) == SIGUSR1 && next() == 0);
	CHECK(!raise(SIGUSR1) && next() == SIGUSR1);
	CHECK_FAILS(sigtimedwait(&one, NULL, &now), EAGAIN);
	CHECK(!sigprocmask(SIG_UNBLOCK, &one, NULL) && seen1 == 0);
}

/* Everything is blocked and read, what a debugger uses, too. */
static void all(void)
{
	int before = fd;
	sigset_t set, open;

	sigfillset(&set);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &open));
	CHECK(!raise(SIGTRAP));
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	CHECK(fd >= 0 && next() == SIGTRAP && next() == 0);
	CHECK(!kill(getpid(), SIGTERM) && next() == SIGTERM);
	CHECK(!raise(SIGTRAP) && next() == SIGTRAP && next() == 0);
	close(fd);
	fd = before;
	CHECK(!sigprocmask(SIG_SETMASK, &open, NULL));
}

static void test(void)
{
	struct sigaction sa = { .sa_handler = on_usr1 };

	sigemptyset(&one);
	sigaddset(&one, SIGUSR1);
	both = one;
	sigaddset(&both, SIGUSR2);
	CHECK(!sigprocmask(SIG_SETMASK, NULL, &was));
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	fd = signalfd(-1, &both, SFD_NONBLOCK);
	CHECK(fd >= 0 && next() == 0);
	for (int i = 0; i < 3; i++) {
		unblocking();
		handler_mask();
		suspending();
		ignoring();
	}
	all();
	waiting();
	close(fd);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	printf("ok\n");
}
