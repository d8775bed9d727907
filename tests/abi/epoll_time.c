/* SPDX-License-Identifier: GPL-2.0-or-later */
/* epoll_wait and its kin wait for as long as they are asked to, not anew after a move; masks; semtimedop too. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/abi/abi.h"

#define EARLY 8 /* on a node clocks are true to a few ms */

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static volatile int caught;

static void on_signal(int sig)
{
	caught = sig;
}

static void test(void)
{
	struct epoll_event got;
	int ep = epoll_create1(0), id = semget(IPC_PRIVATE, 1, 0600);
	struct timespec ts = { 0, 150000000 };
	struct sembuf op = { 0, -1, 0 };
	sigset_t usr, none;
	int64_t t;

	t = now();
	CHECK(epoll_wait(ep, &got, 1, 150) == 0 && now() - t >= 150 - EARLY);
	t = now();
	CHECK(epoll_pwait(ep, &got, 1, 150, NULL) == 0 && now() - t >= 150 - EARLY);
	t = now();
	CHECK(epoll_pwait2(ep, &got, 1, &ts, NULL) == 0 && now() - t >= 150 - EARLY);
	t = now();
	CHECK_FAILS(semtimedop(id, &op, 1, &ts), EAGAIN);
	CHECK(now() - t >= 150 - EARLY);
	ts.tv_nsec = -1;
	CHECK_FAILS(epoll_pwait2(ep, &got, 1, &ts, NULL), EINVAL);
	/* A pending signal that only the call's mask lets through. */
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	CHECK(!sigprocmask(SIG_BLOCK, &usr, NULL) && !raise(SIGUSR1) && !caught);
	CHECK(epoll_wait(ep, &got, 1, 10) == 0 && !caught);
	CHECK_FAILS(epoll_pwait(ep, &got, 1, -1, &none), EINTR);
	CHECK(caught == SIGUSR1);
	caught = 0;
	CHECK(!raise(SIGUSR1) && !caught);
	CHECK_FAILS(epoll_pwait2(ep, &got, 1, NULL, &none), EINTR);
	CHECK(caught == SIGUSR1);
	caught = 0;
	CHECK_FAILS(syscall(SYS_epoll_pwait, ep, &got, 1, 0, &none, 4), EINVAL);
	CHECK_FAILS(syscall(SYS_epoll_pwait, ep, &got, 1, 0, (void *)16, 8), EFAULT);
	CHECK(!sigprocmask(SIG_UNBLOCK, &usr, NULL) && signal(SIGUSR1, SIG_DFL) == on_signal);
	CHECK(!semctl(id, 0, IPC_RMID));
	close(ep);
	printf("times ok\n");
}
