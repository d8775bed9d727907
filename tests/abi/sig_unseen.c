/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting is not interrupted by anything that the program cannot see: no EINTR without a handler. */
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <time.h>
#include <unistd.h>

#include "tests/abi/abi.h"

#define MS 12

/* Nothing came, so the time was over. */
static void nothing(const char *what, long result)
{
	if (result)
		printf("%s gave %ld, errno %d\n", what, result, errno);
	CHECK(!result);
}

static void test(void)
{
	const struct timespec ts = { .tv_nsec = MS * 1000000 };
	struct timeval tv;
	struct epoll_event got[2];
	struct sembuf down = { .sem_op = -1 };
	int ep = epoll_create1(0), fd[2], sem = semget(IPC_PRIVATE, 1, 0600);
	struct pollfd p = { .events = POLLIN };
	sigset_t set;

	CHECK(ep >= 0 && !pipe(fd) && sem >= 0);
	p.fd = fd[0];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 4; i++) {
		nothing("epoll_wait", epoll_wait(ep, got, 2, MS));
		nothing("epoll_pwait", epoll_pwait(ep, got, 2, MS, &set));
		nothing("poll", poll(&p, 1, MS));
		nothing("ppoll", ppoll(&p, 1, &ts, &set));
		tv = (struct timeval){ .tv_usec = MS * 1000 };
		nothing("select", select(0, NULL, NULL, NULL, &tv));
		nothing("pselect", pselect(0, NULL, NULL, NULL, &ts, &set));
		nothing("nanosleep", nanosleep(&ts, NULL));
		CHECK_FAILS(semtimedop(sem, &down, 1, &ts), EAGAIN);
		CHECK_FAILS(sigtimedwait(&set, NULL, &ts), EAGAIN);
	}
	CHECK(!semctl(sem, 0, IPC_RMID));
	close(ep);
	close(fd[0]);
	close(fd[1]);
	printf("undisturbed\n");
}
