/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ppoll and pselect: masks that hold for the wait only, times that are told or not, bad arguments. */
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile int caught;

static void on_signal(int sig)
{
	caught = sig;
}

static void test(void)
{
	struct { const void *set; size_t size; } pair;
	struct timespec ts = { 0, 20000000 }, zero = { 0, 0 }, bad = { 0, 1000000000 };
	struct pollfd p[2];
	sigset_t usr, none, all, old;
	fd_set r, e;
	int a[2];

	CHECK(!pipe(a) && signal(SIGUSR2, on_signal) != SIG_ERR);
	sigfillset(&all);
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR2);
	p[0] = (struct pollfd){ a[0], POLLIN | POLLRDNORM, 0x7f };
	p[1] = (struct pollfd){ -7, POLLIN, 0x7f };
	CHECK(ppoll(p, 2, &ts, &all) == 0 && p[0].revents == 0 && p[1].revents == 0);
	CHECK(!sigprocmask(SIG_BLOCK, &usr, NULL) && !raise(SIGUSR2));
	CHECK(ppoll(p, 1, &zero, NULL) == 0 && !caught);
	CHECK_FAILS(ppoll(p, 1, NULL, &none), EINTR);
	CHECK(caught == SIGUSR2 && !sigprocmask(0, NULL, &old) && sigismember(&old, SIGUSR2));
	caught = 0;
	CHECK(!raise(SIGUSR2));
	FD_ZERO(&r);
	FD_SET(a[0], &r);
	CHECK_FAILS(pselect(a[0] + 1, &r, NULL, NULL, NULL, &none), EINTR);
	CHECK(caught == SIGUSR2 && FD_ISSET(a[0], &r));
	caught = 0;
	/* Ready, and the signal may come: the descriptor wins, the signal stays pending. */
	CHECK(write(a[1], "x", 1) == 1 && !raise(SIGUSR2));
	CHECK(ppoll(p, 1, NULL, &usr) == 1 && p[0].revents == (POLLIN | POLLRDNORM) && !caught);
	CHECK(!sigprocmask(SIG_UNBLOCK, &usr, NULL) && caught == SIGUSR2);
	caught = 0;
	FD_ZERO(&e);
	CHECK(pselect(a[0] + 1, &r, NULL, &e, &zero, NULL) == 1 && FD_ISSET(a[0], &r) && !FD_ISSET(a[0], &e));
	CHECK_FAILS(ppoll(p, 1, &bad, NULL), EINVAL);
	CHECK_FAILS(pselect(-1, &r, NULL, NULL, &zero, NULL), EINVAL);
	CHECK_FAILS(poll((void *)16, 1, 0), EFAULT);
	CHECK_FAILS(select(1, (void *)16, NULL, NULL, NULL), EFAULT);
	pair.set = &none;
	pair.size = 4;
	CHECK_FAILS(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &pair), EINVAL);
	/* The kernel's own ppoll says how much time is left. */
	ts = (struct timespec){ 1000, 0 };
	CHECK(syscall(SYS_ppoll, p, 1, &ts, NULL, 8) == 1 && ts.tv_sec == 999);
	CHECK(signal(SIGUSR2, SIG_DFL) == on_signal);
	close(a[0]);
	close(a[1]);
	printf("masks ok\n");
}
