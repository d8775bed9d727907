/* SPDX-License-Identifier: GPL-2.0-or-later */
/* signalfd(2): blocked signals are read from a descriptor, which poll and epoll know, too. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	struct signalfd_siginfo si[3];
	union sigval v = { .sival_int = 31 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd p = { .events = POLLIN };
	pid_t pid, parent = getpid();
	sigset_t set, was;
	int fd, ep;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	CHECK_FAILS(read(fd, si, sizeof(si)), EAGAIN);
	CHECK(!raise(SIGUSR1) && !sigqueue(parent, SIGRTMIN, v));
	p.fd = fd;
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK(read(fd, si, sizeof(si)) == 2 * sizeof(si[0]));
	CHECK(si[0].ssi_signo == SIGUSR1 && si[0].ssi_code == SI_TKILL && (pid_t)si[0].ssi_pid == parent);
	CHECK((int)si[1].ssi_signo == SIGRTMIN && si[1].ssi_code == SI_QUEUE && si[1].ssi_int == 31);
	CHECK(poll(&p, 1, 0) == 0);

	ep = epoll_create1(0);
	CHECK(ep >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	pid = fork();
	if (!pid) {
		CHECK(!kill(parent, SIGUSR1));
		_exit(0);
	}
	CHECK(epoll_wait(ep, &ev, 1, -1) == 1);
	CHECK(read(fd, si, sizeof(si)) == sizeof(si[0]) && (pid_t)si[0].ssi_pid == pid && si[0].ssi_code == SI_USER);
	CHECK(waitpid(pid, NULL, 0) == pid);
	/* Another set, then blocking. */
	CHECK(!fcntl(fd, F_SETFL, 0));
	sigdelset(&set, SIGUSR1);
	CHECK(signalfd(fd, &set, 0) == fd);
	pid = fork();
	if (!pid) {
		CHECK(!kill(parent, SIGUSR1) && !kill(parent, SIGRTMIN));
		_exit(0);
	}
	CHECK(read(fd, si, sizeof(si[0])) == sizeof(si[0]) && (int)si[0].ssi_signo == SIGRTMIN);
	CHECK(waitpid(pid, NULL, 0) == pid);
	signal(SIGUSR1, SIG_IGN);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	signal(SIGUSR1, SIG_DFL);
	close(fd);
	close(ep);
	printf("signalfd ok\n");
}
