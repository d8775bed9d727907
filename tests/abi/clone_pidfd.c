/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pidfd_open: polled for an end, refused for what is none, useful to a sibling. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd p = { .events = POLLIN };
	int fd, ep, status, pipefd[2];
	pid_t pid, other;
	char c;

	CHECK_FAILS(syscall(SYS_pidfd_open, 0, 0), EINVAL);
	CHECK_FAILS(syscall(SYS_pidfd_open, getpid(), 1), EINVAL);
	CHECK(!pipe(pipefd));
	pid = fork();
	if (!pid) {
		close(pipefd[1]);
		CHECK(read(pipefd[0], &c, 1) == 0);
		_exit(3);
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(fd >= 0);
	p.fd = fd;
	CHECK(poll(&p, 1, 0) == 0);
	/* A sibling sees the end, and cannot wait for it. */
	other = fork();
	if (!other) {
		siginfo_t si;

		close(pipefd[1]);
		ep = epoll_create1(0);
		CHECK(!epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
		CHECK(epoll_wait(ep, &ev, 1, -1) == 1);
		CHECK_FAILS(waitid((idtype_t)3, fd, &si, WEXITED), ECHILD);
		_exit(4);
	}
	close(pipefd[0]);
	close(pipefd[1]);
	CHECK(waitpid(other, &status, 0) == other && WEXITSTATUS(status) == 4);
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK(!syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
	close(fd);
	CHECK_FAILS(syscall(SYS_pidfd_open, pid, 0), ESRCH);
	/* One's own. */
	fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	signal(SIGUSR1, SIG_IGN);
	CHECK(fd >= 0 && !syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	signal(SIGUSR1, SIG_DFL);
	close(fd);
	printf("pidfd ok\n");
}
