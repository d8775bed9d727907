/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timerfd: counts of expirations, poll, absolute and relative times, non-blocking reads. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "tests/abi/abi.h"

static void test(void)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };
	struct itimerspec its, now;
	struct pollfd p = { .events = POLLIN };
	uint64_t n;
	int fd;

	for (unsigned i = 0; i < 3; i++) {
		fd = timerfd_create(clocks[i], TFD_NONBLOCK | TFD_CLOEXEC);
		CHECK(fd >= 0);
		p.fd = fd;
		CHECK_FAILS(read(fd, &n, sizeof(n)), EAGAIN);
		its = (struct itimerspec){ { 0, 3000000 }, { 0, 10000000 } };
		CHECK(!timerfd_settime(fd, 0, &its, NULL));
		CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
		CHECK(read(fd, &n, sizeof(n)) == 8 && n >= 1);
		usleep(20000);
		CHECK(read(fd, &n, sizeof(n)) == 8 && n >= 5);
		CHECK_FAILS(read(fd, &n, 4), EINVAL);
		its = (struct itimerspec){ { 0, 0 }, { 500, 0 } };
		CHECK(!timerfd_settime(fd, 0, &its, &now) && now.it_interval.tv_nsec == 3000000);
		CHECK(!timerfd_gettime(fd, &now) && now.it_value.tv_sec > 300 && now.it_value.tv_sec <= 500);
		CHECK(poll(&p, 1, 0) == 0);
		/* A time that has passed. */
		CHECK(!clock_gettime(clocks[i], &its.it_value));
		CHECK(!timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL));
		CHECK(poll(&p, 1, -1) == 1);
		CHECK(read(fd, &n, sizeof(n)) == 8 && n == 1);
		close(fd);
	}
	/* Blocking, and off. */
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	its = (struct itimerspec){ { 0, 0 }, { 0, 5000000 } };
	CHECK(!timerfd_settime(fd, 0, &its, NULL));
	CHECK(read(fd, &n, sizeof(n)) == 8 && n == 1);
	CHECK(!timerfd_gettime(fd, &now) && !now.it_value.tv_sec && !now.it_value.tv_nsec);
	close(fd);
	CHECK_FAILS(timerfd_create(99, 0), EINVAL);
	CHECK_FAILS(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	printf("timerfd ok\n");
}
