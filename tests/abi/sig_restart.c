/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which calls a handler ends with EINTR, and which go on after one with SA_RESTART: signal(7),
 * "Interruption of system calls and library functions by signal handlers".
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static int pipe_fd[2], event, epoll, listener, queue, sem, lock_fd, sock[2], slow_sock[2];
static uint32_t word;
static pid_t child;
static struct sockaddr_in addr = { .sin_family = AF_INET };

/* --- the calls, which block, and what the handler does to let them end --- */

static long do_read(void)
{
	char c;
	return read(pipe_fd[0], &c, 1);
}

static void feed_pipe(void)
{
	CHECK(write(pipe_fd[1], "x", 1) == 1);
}

static long do_readv(void)
{
	uint64_t v;
	return read(event, &v, 8) == 8 ? 1 : -1;
}

static void feed_event(void)
{
	uint64_t one = 1;
	CHECK(write(event, &one, 8) == 8);
}

static long do_recv(void)
{
	char c;
	return recv(sock[0], &c, 1, 0);
}

static void feed_sock(void)
{
	CHECK(send(sock[1], "x", 1, 0) == 1);
}

static long do_recv_timeout(void)
{
	char c;
	return recv(slow_sock[0], &c, 1, 0);
}

static long do_accept(void)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return -1;
	close(fd);
	return 1;
}

static void feed_connect(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0 && !connect(fd, (void *)&addr, sizeof(addr)));
	close(fd);
}

static long do_wait(void)
{
	return waitpid(child, NULL, 0) == child ? 1 : -1;
}

static long do_waitid(void)
{
	siginfo_t si;
	return waitid(P_PID, child, &si, WEXITED) == 0 ? 1 : -1;
}

static void feed_child(void)
{
	kill(child, SIGKILL);
}

static long do_futex(void)
{
	word = 0;
	/* Begun again it finds another value. */
	return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL) < 0 && errno == EAGAIN ? 1 : -1;
}

static void feed_word(void)
{
	word = 1;
}

static long do_fifo(void)
{
	int fd = open("fifo", O_RDONLY);

	if (fd < 0)
		return -1;
	close(fd);
	return 1;
}

static int fifo_other = -1;

static void feed_fifo(void)
{
	if (fifo_other < 0)
		fifo_other = open("fifo", O_RDWR);
}

static long do_flock(void)
{
	return flock(lock_fd, LOCK_EX) ? -1 : 1;
}

static long do_setlkw(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(lock_fd, F_SETLKW, &fl) ? -1 : 1;
}

static long do_poll(void)
{
	struct pollfd p = { .fd = pipe_fd[0], .events = POLLIN };
	return poll(&p, 1, -1);
}

static long do_ppoll(void)
{
	struct pollfd p = { .fd = pipe_fd[0], .events = POLLIN };
	struct timespec ts = { .tv_sec = 1000 };
	return ppoll(&p, 1, &ts, NULL);
}

static long do_select(void)
{
	fd_set set;

	FD_ZERO(&set);
	FD_SET(pipe_fd[0], &set);
	return select(pipe_fd[0] + 1, &set, NULL, NULL, NULL);
}

static long do_pselect(void)
{
	struct timespec ts = { .tv_sec = 1000 };
	sigset_t none;
	fd_set set;

	sigemptyset(&none);
	FD_ZERO(&set);
	FD_SET(pipe_fd[0], &set);
	return pselect(pipe_fd[0] + 1, &set, NULL, NULL, &ts, &none);
}

static long do_epoll(void)
{
	struct epoll_event ev;
	return epoll_wait(epoll, &ev, 1, -1);
}

static long do_epoll_pwait(void)
{
	struct epoll_event ev;
	sigset_t none;

	sigemptyset(&none);
	return epoll_pwait(epoll, &ev, 1, 1000000, &none);
}

static long do_msgrcv(void)
{
	struct { long type; char c; } m;
	return msgrcv(queue, &m, 1, 0, 0);
}

static void feed_queue(void)
{
	struct { long type; char c; } m = { 1, 'x' };
	CHECK(!msgsnd(queue, &m, 1, 0));
}

static long do_semop(void)
{
	struct sembuf op = { 0, -1, 0 };
	return semop(sem, &op, 1) ? -1 : 1;
}

static void feed_sem(void)
{
	struct sembuf op = { 0, 1, 0 };
	CHECK(!semop(sem, &op, 1));
}

static long do_nanosleep(void)
{
	struct timespec ts = { .tv_sec = 1000 }, left = { 0 };
	long ret = nanosleep(&ts, &left);

	CHECK(left.tv_sec > 100 && left.tv_sec < 1000);
	return ret;
}

static long do_clock_nanosleep(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += 1000;
	errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	return errno ? -1 : 0;
}

static long do_pause(void)
{
	return pause();
}

static long do_sigtimedwait(void)
{
	sigset_t set;
	struct timespec ts = { .tv_sec = 1000 };

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	return sigtimedwait(&set, NULL, &ts);
}

static void nothing(void)
{
}

/* What must be so before the call: a child that lives, or one that holds a lock. */
enum { PLAIN, CHILD, FLOCKED, LOCKED };

static const struct {
	const char *name;
	long (*call)(void);
	void (*feed)(void);
	int needs;
	int restarts;	/* with SA_RESTART */
} calls[] = {
	{ "read", do_read, feed_pipe, PLAIN, 1 },
	{ "read of an eventfd", do_readv, feed_event, PLAIN, 1 },
	{ "recv", do_recv, feed_sock, PLAIN, 1 },
	{ "accept", do_accept, feed_connect, PLAIN, 1 },
	{ "waitpid", do_wait, feed_child, CHILD, 1 },
	{ "waitid", do_waitid, feed_child, CHILD, 1 },
	{ "futex", do_futex, feed_word, PLAIN, 1 },
	{ "open of a FIFO", do_fifo, feed_fifo, PLAIN, 1 },
	{ "flock", do_flock, feed_child, FLOCKED, 1 },
	{ "F_SETLKW", do_setlkw, feed_child, LOCKED, 1 },
	{ "recv with SO_RCVTIMEO", do_recv_timeout, nothing, PLAIN, 0 },
	{ "poll", do_poll, feed_pipe, PLAIN, 0 },
	{ "ppoll", do_ppoll, feed_pipe, PLAIN, 0 },
	{ "select", do_select, feed_pipe, PLAIN, 0 },
	{ "pselect", do_pselect, feed_pipe, PLAIN, 0 },
	{ "epoll_wait", do_epoll, feed_pipe, PLAIN, 0 },
	{ "epoll_pwait", do_epoll_pwait, feed_pipe, PLAIN, 0 },
	{ "msgrcv", do_msgrcv, feed_queue, PLAIN, 0 },
	{ "semop", do_semop, feed_sem, PLAIN, 0 },
	{ "nanosleep", do_nanosleep, nothing, PLAIN, 0 },
	{ "clock_nanosleep", do_clock_nanosleep, nothing, PLAIN, 0 },
	{ "pause", do_pause, nothing, PLAIN, 0 },
	{ "sigtimedwait", do_sigtimedwait, nothing, PLAIN, 0 },
};

static unsigned now;
static volatile sig_atomic_t alarms, fed, do_feed;

static void on_alarm(int sig)
{
	int saved = errno;

	(void)sig;
	/* The first may come before the call begins. */
	if (++alarms > 1 && do_feed && !fed) {
		fed = 1;
		calls[now].feed();
	}
	errno = saved;
}

static void arm(int us)
{
	struct itimerval it = { { 0, us }, { 0, us } };

	CHECK(!setitimer(ITIMER_REAL, &it, NULL));
}

static void begin_child(int needs)
{
	int ready[2];
	char c;

	if (needs == PLAIN)
		return;
	CHECK(!pipe(ready));
	child = fork();
	if (!child) {
		struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open("lock", O_RDWR);

		signal(SIGALRM, SIG_IGN);
		if (needs == FLOCKED)
			CHECK(!flock(fd, LOCK_EX));
		if (needs == LOCKED)
			CHECK(!fcntl(fd, F_SETLK, &fl));
		CHECK(write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	close(ready[1]);
}

static void one(int restart)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0 };
	int needs = calls[now].needs;
	int goes_on = restart && calls[now].restarts;
	long ret;

	CHECK(!sigaction(SIGALRM, &sa, NULL));
	begin_child(needs);
	alarms = fed = 0;
	do_feed = goes_on;
	arm(15000);
	errno = 0;
	ret = calls[now].call();
	if (goes_on ? ret != 1 || !fed : ret != -1 || errno != EINTR) {
		printf("FAIL tests/abi/sig_restart.c: %s%s gave %ld, errno %d\n", calls[now].name,
		       restart ? " with SA_RESTART" : "", ret, errno);
		fflush(stdout);
		_exit(1);
	}
	arm(0);
	if (fifo_other >= 0)
		close(fifo_other);
	fifo_other = -1;
	if (needs != PLAIN) {
		struct flock fl = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		flock(lock_fd, LOCK_UN);
		fcntl(lock_fd, F_SETLK, &fl);
	}
}

static void test(void)
{
	struct timeval tv = { .tv_sec = 1000 };
	struct epoll_event ev = { .events = EPOLLIN };
	socklen_t len = sizeof(addr);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = 0;
	CHECK(!pipe(pipe_fd) && (event = eventfd(0, 0)) >= 0 && (epoll = epoll_create1(0)) >= 0);
	CHECK(!epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_fd[0], &ev));
	CHECK((listener = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
	CHECK(!bind(listener, (void *)&addr, sizeof(addr)) && !listen(listener, 5));
	CHECK(!getsockname(listener, (void *)&addr, &len));
	CHECK((queue = msgget(IPC_PRIVATE, 0600)) >= 0 && (sem = semget(IPC_PRIVATE, 1, 0600)) >= 0);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sock) && !socketpair(AF_UNIX, SOCK_STREAM, 0, slow_sock));
	CHECK(!setsockopt(slow_sock[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CHECK(!mkfifo("fifo", 0600) && (lock_fd = open("lock", O_RDWR | O_CREAT, 0600)) >= 0);

	for (now = 0; now < sizeof(calls) / sizeof(calls[0]); now++) {
		one(0);
		one(1);
	}
	signal(SIGALRM, SIG_DFL);
	for (int i = 0; i < 2; i++) {
		close(pipe_fd[i]);
		close(sock[i]);
		close(slow_sock[i]);
	}
	close(event);
	close(epoll);
	close(listener);
	close(lock_fd);
	msgctl(queue, IPC_RMID, NULL);
	semctl(sem, 0, IPC_RMID);
	unlink("fifo");
	unlink("lock");
	printf("%u calls end or go on as they should\n", now);
}
