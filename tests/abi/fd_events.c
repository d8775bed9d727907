/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eventfd, timerfd, memfd and pidfd: what they count, when they are ready, what they refuse. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void events(void)
{
	int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK), sum = eventfd(0, EFD_CLOEXEC);
	uint64_t v = 0;

	CHECK(read(fd, &v, 8) == 8 && v == 1 && read(fd, &v, 8) == 8 && v == 1);
	CHECK_FAILS(read(fd, &v, 8), EAGAIN);
	v = 5;
	CHECK(write(sum, &v, 8) == 8 && write(sum, &v, 8) == 8 && read(sum, &v, 8) == 8 && v == 10);
	v = UINT64_MAX;
	CHECK_FAILS(write(fd, &v, 8), EINVAL);
	v = UINT64_MAX - 1;
	CHECK(write(fd, &v, 8) == 8);
	v = 1;
	CHECK_FAILS(write(fd, &v, 8), EAGAIN);
	CHECK_FAILS(read(fd, &v, 4), EINVAL);
	close(fd);
	close(sum);
}

static void timers(void)
{
	struct itimerspec it = { { 0, 10000000 }, { 0, 20000000 } }, got, off = { 0 };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t v, n = 0;

	CHECK_FAILS(read(fd, &v, 8), EAGAIN);
	CHECK(!timerfd_settime(fd, 0, &it, &got) && !got.it_value.tv_sec && !got.it_value.tv_nsec);
	while (n < 3) {
		CHECK(poll(&p, 1, -1) == 1 && read(fd, &v, 8) == 8 && v >= 1);
		n += v;
	}
	CHECK(!timerfd_gettime(fd, &got) && got.it_interval.tv_nsec == 10000000 && got.it_value.tv_nsec <= 10000000);
	CHECK(!timerfd_settime(fd, 0, &off, NULL) && !timerfd_gettime(fd, &got) && !got.it_value.tv_nsec);
	it.it_value.tv_nsec = 1000000000;
	CHECK_FAILS(timerfd_settime(fd, 0, &it, NULL), EINVAL);
	CHECK_FAILS(timerfd_create(77, 0), EINVAL);
	CHECK_FAILS(timerfd_gettime(0x7ffff, &got), EBADF);
	it = (struct itimerspec){ .it_value.tv_nsec = 1 };
	CHECK(!timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL) && poll(&p, 1, -1) == 1 && read(fd, &v, 8) == 8 && v == 1);
	close(fd);
}

static void memory(void)
{
	int fd = memfd_create("a name", MFD_CLOEXEC);
	char link[64], path[64], buf[8];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(fd >= 0 && (n = readlink(path, link, 63)) > 0);
	link[n] = 0;
	CHECK(!strcmp(link, "/memfd:a name (deleted)") && write(fd, "content", 7) == 7 && pread(fd, buf, 8, 3) == 4);
	CHECK_FAILS(memfd_create("x", 0x8000), EINVAL);
	close(fd);
}

static void processes(void)
{
	siginfo_t info;
	struct pollfd p = { .events = POLLIN };
	int pipes[2];
	pid_t pid;
	char c;

	CHECK(!pipe(pipes));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(pipes[1]);
		if (read(pipes[0], &c, 1) != 0)
			_exit(1);
		pause();
	}
	p.fd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(p.fd >= 0 && poll(&p, 1, 0) == 0);
	CHECK_FAILS(waitid(P_PIDFD, p.fd, &info, WEXITED | 0x10000000), EINVAL);
	CHECK(!syscall(SYS_pidfd_send_signal, p.fd, 0, NULL, 0));
	close(pipes[1]);
	CHECK(!syscall(SYS_pidfd_send_signal, p.fd, SIGTERM, NULL, 0) && poll(&p, 1, -1) == 1);
	CHECK(!waitid(P_PIDFD, p.fd, &info, WEXITED) && info.si_pid == pid && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
	CHECK_FAILS(syscall(SYS_pidfd_send_signal, p.fd, 0, NULL, 0), ESRCH);
	CHECK_FAILS(syscall(SYS_pidfd_open, -1, 0), EINVAL);
	close(p.fd);
	p.fd = syscall(SYS_pidfd_open, getpid(), 0);
	CHECK(p.fd >= 0);
	close(pipes[0]);
	close(p.fd);
}

static void test(void)
{
	events();
	timers();
	memory();
	processes();
	printf("descriptors ok\n");
}
