/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that a process sends to itself, read from a signalfd(2): their siginfo, order, what is pending. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#include "tests/abi/abi.h"

static struct signalfd_siginfo si[4];

/* Reads as many signals as there are, at most 4. */
static int take(int fd)
{
	ssize_t n = read(fd, si, sizeof(si));

	if (n < 0) {
		CHECK(errno == EAGAIN);
		return 0;
	}
	CHECK(n % sizeof(si[0]) == 0);
	return (int)(n / (ssize_t)sizeof(si[0]));
}

static int is_pending(int sig)
{
	sigset_t set;

	CHECK(!sigpending(&set));
	return sigismember(&set, sig);
}

static void sends(int fd)
{
	union sigval v = { .sival_int = 0 };

	CHECK(take(fd) == 0);
	CHECK(!kill(getpid(), SIGUSR1));
	CHECK(is_pending(SIGUSR1) && !is_pending(SIGUSR2));
	CHECK(take(fd) == 1 && si[0].ssi_signo == SIGUSR1 && si[0].ssi_code == SI_USER);
	CHECK((pid_t)si[0].ssi_pid == getpid() && si[0].ssi_uid == getuid());
	CHECK(!is_pending(SIGUSR1) && take(fd) == 0);

	CHECK(!raise(SIGUSR1) && !raise(SIGUSR1));
	CHECK(take(fd) == 1 && si[0].ssi_code == SI_TKILL);

	/* Real-time signals are queued, with their values. */
	for (v.sival_int = 1; v.sival_int <= 3; v.sival_int++)
		CHECK(!sigqueue(getpid(), SIGRTMIN + 2, v));
	CHECK(!sigqueue(getpid(), SIGRTMIN + 1, v));
	CHECK(take(fd) == 4);
	CHECK((int)si[0].ssi_signo == SIGRTMIN + 1 && si[0].ssi_int == 4 && si[0].ssi_code == SI_QUEUE);
	for (int i = 1; i < 4; i++)
		CHECK((int)si[i].ssi_signo == SIGRTMIN + 2 && si[i].ssi_int == i);
	CHECK(take(fd) == 0);
}

static void waits(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 7 };
	int ep = epoll_create1(EPOLL_CLOEXEC), copy = dup(fd);

	CHECK(ep >= 0 && copy >= 0 && !epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	CHECK(poll(&p, 1, 0) == 0 && epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK(!raise(SIGUSR1));
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, -1) == 1 && ev.data.u32 == 7);
	CHECK(take(copy) == 1 && si[0].ssi_signo == SIGUSR1);
	CHECK(poll(&p, 1, 0) == 0);
	close(copy);
	close(ep);
}

/* A blocking read ends with a signal that comes meanwhile. */
static void alarms(int fd)
{
	struct itimerspec when = { .it_value.tv_nsec = 20000000 };
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
				.sigev_value.sival_int = 55 };
	timer_t timer;

	CHECK(!fcntl(fd, F_SETFL, 0));
	CHECK(alarm(1) == 0);
	CHECK(read(fd, si, sizeof(si[0])) == sizeof(si[0]) && si[0].ssi_signo == SIGALRM &&
	      si[0].ssi_code == SI_KERNEL);
	CHECK(!timer_create(CLOCK_MONOTONIC, &sev, &timer) && !timer_settime(timer, 0, &when, NULL));
	CHECK(read(fd, si, sizeof(si[0])) == sizeof(si[0]) && (int)si[0].ssi_signo == SIGRTMIN + 1);
	CHECK(si[0].ssi_code == SI_TIMER && si[0].ssi_int == 55);
	CHECK(!timer_delete(timer));
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
}

/* Another set for the same descriptor: what it had stays pending, and can be had again. */
static void changes(int fd, sigset_t *set)
{
	sigset_t other;

	sigemptyset(&other);
	sigaddset(&other, SIGUSR2);
	sigaddset(&other, SIGKILL);
	CHECK(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGUSR2));
	CHECK(take(fd) == 1 && si[0].ssi_signo == SIGUSR1 && is_pending(SIGUSR2));
	CHECK(signalfd(fd, &other, 0) == fd);
	CHECK(!kill(getpid(), SIGUSR1));
	CHECK(take(fd) == 1 && si[0].ssi_signo == SIGUSR2 && is_pending(SIGUSR1));
	CHECK(signalfd(fd, set, 0) == fd);
	CHECK(take(fd) == 1 && si[0].ssi_signo == SIGUSR1);
	CHECK_FAILS(signalfd(fd, set, 1), EINVAL);
	CHECK_FAILS(signalfd(999, set, 0), EBADF);
	CHECK_FAILS(signalfd(0, set, 0), EINVAL);
}

static void test(void)
{
	sigset_t set, blocked, was;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	blocked = set;
	sigaddset(&blocked, SIGUSR2);
	/* One is pending before there is a descriptor. */
	CHECK(!sigprocmask(SIG_BLOCK, &blocked, &was));
	CHECK(!raise(SIGUSR1));
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	CHECK(take(fd) == 1 && si[0].ssi_signo == SIGUSR1 && si[0].ssi_code == SI_TKILL);
	sends(fd);
	waits(fd);
	alarms(fd);
	changes(fd, &set);
	close(fd);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	printf("ok\n");
}
