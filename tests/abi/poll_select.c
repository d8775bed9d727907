/* SPDX-License-Identifier: GPL-2.0-or-later */
/* poll, select, ppoll and epoll: ready descriptors, timeouts, hang-ups, and what a signal does to them. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>

#include "tests/abi/abi.h"

/* How much earlier than asked a wait may seem to end: on a node clocks are true to a few ms. */
#define EARLY 8

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test(void)
{
	/* It repeats: the first alarm may come before the call. */
	struct itimerval it = { { 0, 30000 }, { 0, 30000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct timeval tv = { .tv_usec = 30000 };
	struct timespec ts = { .tv_nsec = 20000000 };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 77 }, got[4];
	struct pollfd p[3];
	int a[2], b[2], ep, efd;
	uint64_t value;
	int64_t t;
	fd_set rd, wr;

	CHECK(!pipe(a) && !pipe(b));
	p[0] = (struct pollfd){ .fd = a[0], .events = POLLIN };
	p[1] = (struct pollfd){ .fd = b[1], .events = POLLOUT };
	p[2] = (struct pollfd){ .fd = 999, .events = POLLIN };
	CHECK(poll(p, 3, 0) == 2 && !p[0].revents && p[1].revents == POLLOUT && p[2].revents == POLLNVAL);
	t = now();
	CHECK(poll(p, 1, 30) == 0);
	CHECK(now() - t >= 30 - EARLY);
	t = now();
	FD_ZERO(&rd);
	FD_SET(a[0], &rd);
	CHECK(select(a[0] + 1, &rd, NULL, NULL, &tv) == 0 && !FD_ISSET(a[0], &rd));
	CHECK(now() - t >= 30 - EARLY && tv.tv_usec == 0);
	CHECK(write(a[1], "x", 1) == 1);
	FD_SET(a[0], &rd);
	FD_SET(b[0], &rd);
	FD_ZERO(&wr);
	FD_SET(b[1], &wr);
	CHECK(select(b[1] + 1, &rd, &wr, NULL, NULL) == 2);
	CHECK(FD_ISSET(a[0], &rd) && !FD_ISSET(b[0], &rd) && FD_ISSET(b[1], &wr));
	CHECK(ppoll(p, 1, &ts, NULL) == 1 && p[0].revents == POLLIN);
	close(b[1]);
	p[0].fd = b[0];
	CHECK(poll(p, 1, -1) == 1 && p[0].revents == POLLHUP);
	/* Waiting is interrupted even by a handler that restarts other calls. */
	CHECK(!sigaction(SIGALRM, &sa, NULL) && !setitimer(ITIMER_REAL, &it, NULL));
	CHECK_FAILS(poll(NULL, 0, 10000), EINTR);
	CHECK(!setitimer(ITIMER_REAL, &off, NULL));
	ep = epoll_create1(0);
	efd = eventfd(3, EFD_NONBLOCK);
	CHECK(ep >= 0 && efd >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, efd, &ev));
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, efd, &ev), EEXIST);
	CHECK(epoll_wait(ep, got, 4, -1) == 1 && got[0].data.u32 == 77 && got[0].events == EPOLLIN);
	CHECK(read(efd, &value, 8) == 8 && value == 3);
	t = now();
	CHECK(epoll_wait(ep, got, 4, 20) == 0);
	t = now() - t;
	if (t < 20 - EARLY)
		printf("20 ms took only %lld ms\n", (long long)t);
	CHECK(t >= 20 - EARLY);
	CHECK_FAILS(read(efd, &value, 8), EAGAIN);
	CHECK(!setitimer(ITIMER_REAL, &it, NULL));
	CHECK_FAILS(epoll_wait(ep, got, 4, 10000), EINTR);
	CHECK(!setitimer(ITIMER_REAL, &off, NULL));
	signal(SIGALRM, SIG_DFL);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(ep);
	close(efd);
	printf("waiting ok\n");
}
