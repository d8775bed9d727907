/* SPDX-License-Identifier: GPL-2.0-or-later */
/* epoll: level, edge, one shot, changes, removal, nesting, hang-ups, and what it refuses. */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "tests/abi/abi.h"

static int wait1(int ep, struct epoll_event *e)
{
	memset(e, 0, sizeof(*e));
	return epoll_wait(ep, e, 1, 0);
}

static void modes(void)
{
	struct epoll_event ev, got;
	int ep = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_NONBLOCK);
	uint64_t v = 1;

	ev = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 0x1122334455667788 };
	CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) && wait1(ep, &got) == 0);
	CHECK(write(fd, &v, 8) == 8);
	for (int i = 0; i < 3; i++)
		CHECK(wait1(ep, &got) == 1 && got.data.u64 == ev.data.u64 && got.events == EPOLLIN);
	ev.events = EPOLLIN | EPOLLET;
	CHECK(!epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev));
	CHECK(wait1(ep, &got) == 1 && wait1(ep, &got) == 0);
	CHECK(write(fd, &v, 8) == 8 && wait1(ep, &got) == 1 && wait1(ep, &got) == 0);
	ev.events = EPOLLIN | EPOLLONESHOT;
	CHECK(!epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) && wait1(ep, &got) == 1);
	CHECK(write(fd, &v, 8) == 8 && wait1(ep, &got) == 0);
	CHECK(!epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) && wait1(ep, &got) == 1);
	ev.events = EPOLLIN | EPOLLOUT;
	CHECK(!epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) && wait1(ep, &got) == 1 && got.events == (EPOLLIN | EPOLLOUT));
	CHECK(!epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) && wait1(ep, &got) == 0);
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), ENOENT);
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), ENOENT);
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, 987, &ev), EBADF);
	CHECK_FAILS(epoll_ctl(fd, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL), EFAULT);
	CHECK_FAILS(epoll_ctl(ep, 17, fd, &ev), EINVAL);
	CHECK_FAILS(epoll_wait(ep, &got, 0, 0), EINVAL);
	CHECK_FAILS(epoll_wait(fd, &got, 1, 0), EINVAL);
	CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK_FAILS(epoll_wait(ep, (void *)16, 1, 0), EFAULT);
	close(fd);
	CHECK(wait1(ep, &got) == 0);
	close(ep);
}

/* Many ready ones come in turns; a file cannot be waited for. */
static void many(void)
{
	struct epoll_event ev = { .events = EPOLLIN }, got[4];
	int ep = epoll_create(1), fd[6], file = open("f", O_RDWR | O_CREAT, 0644);
	unsigned seen = 0;

	CHECK_FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, file, &ev), EPERM);
	close(file);
	unlink("f");
	for (int i = 0; i < 6; i++) {
		fd[i] = eventfd(1, 0);
		ev.data.u32 = i;
		CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev));
	}
	for (int i = 0; i < 3; i++) {
		int n = epoll_wait(ep, got, 4, -1);

		CHECK(n == 4);
		for (int k = 0; k < n; k++)
			seen |= 1u << got[k].data.u32;
	}
	CHECK(seen == 0x3f);
	for (int i = 0; i < 6; i++)
		close(fd[i]);
	close(ep);
}

static void hangup_and_nesting(void)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP, .data.fd = 5 }, got;
	int sv[2], p[2], inner = epoll_create1(0), outer = epoll_create1(0);
	struct pollfd pfd = { inner, POLLIN, 0 };

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv) && !pipe(p));
	CHECK(!epoll_ctl(inner, EPOLL_CTL_ADD, sv[0], &ev) && !epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev));
	CHECK(wait1(outer, &got) == 0 && poll(&pfd, 1, 0) == 0);
	CHECK(write(sv[1], "x", 1) == 1 && wait1(outer, &got) == 1 && got.events == EPOLLIN && poll(&pfd, 1, 0) == 1);
	CHECK(!shutdown(sv[1], SHUT_WR) && wait1(inner, &got) == 1 && got.events == (EPOLLIN | EPOLLRDHUP));
	close(sv[1]);
	CHECK(wait1(inner, &got) == 1 && got.events == (EPOLLIN | EPOLLRDHUP | EPOLLHUP));
	ev.events = EPOLLOUT;
	CHECK(!epoll_ctl(outer, EPOLL_CTL_ADD, p[1], &ev));
	close(p[0]);
	CHECK_FAILS(epoll_ctl(inner, EPOLL_CTL_ADD, outer, &ev), ELOOP);
	close(inner);
	CHECK(wait1(outer, &got) == 1 && (got.events & EPOLLERR));
	close(p[1]);
	close(sv[0]);
	close(outer);
}

static void test(void)
{
	modes();
	many();
	hangup_and_nesting();
	printf("epoll ok\n");
}
