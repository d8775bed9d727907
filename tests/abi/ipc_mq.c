/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POSIX message queues: priorities, attributes, full and empty, a signal when one comes. */
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile int noted;

static void on_note(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	noted = info->si_code == SI_MESGQ ? info->si_value.sival_int : -1;
}

static void test(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 }, got, non = { .mq_flags = O_NONBLOCK };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
	struct sigaction sa = { .sa_sigaction = on_note, .sa_flags = SA_SIGINFO };
	struct timespec soon;
	char name[32], buf[16];
	unsigned prio = 99;
	mqd_t q;

	snprintf(name, sizeof(name), "/muster-%d", getpid());
	q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (q == (mqd_t)-1 && (errno == ENOSYS || errno == EACCES)) {
		printf("none here\n");
		return;
	}
	CHECK(q != (mqd_t)-1 && !mq_getattr(q, &got) && got.mq_maxmsg == 2 && got.mq_msgsize == 16 && got.mq_curmsgs == 0);
	CHECK(!mq_send(q, "low", 3, 1) && !mq_send(q, "high", 4, 7));
	CHECK(!mq_setattr(q, &non, &got) && got.mq_curmsgs == 2);
	CHECK_FAILS(mq_send(q, "x", 1, 0), EAGAIN);
	memset(buf, '#', sizeof(buf));
	CHECK(mq_receive(q, buf, 16, &prio) == 4 && prio == 7 && !memcmp(buf, "high#", 5));
	CHECK_FAILS(mq_receive(q, buf, 15, &prio), EMSGSIZE);
	CHECK(mq_receive(q, buf, 16, NULL) == 3);
	CHECK_FAILS(mq_receive(q, buf, 16, NULL), EAGAIN);
	non.mq_flags = 0;
	CHECK(!mq_setattr(q, &non, NULL) && !clock_gettime(CLOCK_REALTIME, &soon));
	soon.tv_nsec += 20000000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	CHECK_FAILS(mq_timedreceive(q, buf, 16, NULL, &soon), ETIMEDOUT);
	CHECK(!sigaction(SIGUSR1, &sa, NULL) && !mq_notify(q, &ev));
	noted = 0;
	CHECK_FAILS(mq_notify(q, &ev), EBUSY);
	CHECK(!mq_send(q, "note", 4, 0));
	while (!noted)
		usleep(1000);
	CHECK(noted == 42 && mq_receive(q, buf, 16, NULL) == 4);
	CHECK(!mq_notify(q, &ev) && !mq_notify(q, NULL));
	CHECK(!mq_close(q) && !mq_unlink(name));
	CHECK_FAILS(mq_open(name, O_RDWR), ENOENT);
	signal(SIGUSR1, SIG_DFL);
	printf("mq ok\n");
}
