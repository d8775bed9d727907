/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handlers get number and sender; masks hold signals back; queued ones come with their value, in order. */
#include <signal.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t count, order[16], values[16];
static volatile pid_t sender;
static volatile int code;

static void on(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (count < 16) {
		order[count] = sig;
		values[count] = si->si_value.sival_int;
	}
	count++;
	sender = si->si_pid;
	code = si->si_code;
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = on, .sa_flags = SA_SIGINFO }, old;
	sigset_t set, was, pending;
	struct timespec zero = { 0 };
	siginfo_t si;

	count = 0;
	CHECK(!sigaction(SIGUSR1, &sa, NULL) && !sigaction(SIGUSR2, &sa, NULL));
	CHECK(!sigaction(SIGRTMIN + 1, &sa, NULL));
	CHECK(!sigaction(SIGUSR1, NULL, &old) && old.sa_sigaction == on);
	CHECK(!kill(getpid(), SIGUSR1) && count == 1 && sender == getpid() && code == SI_USER);
	CHECK(!raise(SIGUSR2) && count == 2 && order[1] == SIGUSR2 && code == SI_TKILL);
	/* Held back: a plain signal once, queued ones each. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	CHECK(!raise(SIGUSR1) && !raise(SIGUSR1) && count == 2);
	for (int i = 0; i < 4; i++)
		CHECK(!sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 10 + i }));
	CHECK(!sigpending(&pending) && sigismember(&pending, SIGUSR1));
	CHECK(sigismember(&pending, SIGRTMIN + 1) && !sigismember(&pending, SIGUSR2));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL) && count == 7);
	for (int i = 2, v = 10; i < 7; i++)
		if (order[i] == SIGRTMIN + 1)
			CHECK(values[i] == v++);
	/* Ignored while blocked: gone. Taken by sigwaitinfo: not delivered. */
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was) && !raise(SIGUSR1));
	CHECK(sigwaitinfo(&set, &si) == SIGUSR1 && si.si_pid == getpid());
	CHECK_FAILS(sigtimedwait(&set, &si, &zero), EAGAIN);
	CHECK(!raise(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	CHECK(!sigpending(&pending) && !sigismember(&pending, SIGUSR1));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL) && count == 7);
	CHECK_FAILS(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_FAILS(kill(getpid(), 99), EINVAL);
	CHECK(!kill(getpid(), 0));
	CHECK_FAILS(kill(99999999, 0), ESRCH);
	printf("handlers ok\n");
}
