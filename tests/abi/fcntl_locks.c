/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks: POSIX, of open files, flock; who holds them, waiting, interruption, deadlock, what ends them. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void on_alarm(int sig)
{
	(void)sig;
}

static int lock(int fd, int cmd, int type, off_t from, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

static int child(void (*fn)(int), int arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static void other(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };

	CHECK(!fcntl(fd, F_GETLK, &fl) && fl.l_pid == getppid());
	CHECK(fl.l_type == F_WRLCK && fl.l_start == 10 && fl.l_len == 20);
	CHECK_FAILS(lock(fd, F_SETLK, F_RDLCK, 15, 1), EAGAIN);
	CHECK(!lock(fd, F_SETLK, F_WRLCK, 0, 10));
}

static void interrupted(int fd)
{
	struct itimerval it = { { 0, 50000 }, { 0, 50000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm };

	CHECK(!sigaction(SIGALRM, &sa, NULL) && !setitimer(ITIMER_REAL, &it, NULL));
	CHECK_FAILS(lock(fd, F_SETLKW, F_WRLCK, 10, 1), EINTR);
	CHECK(!setitimer(ITIMER_REAL, &off, NULL));
}

static void flocked(int fd)
{
	int again = open("f", O_RDWR);
	struct itimerval it = { { 0, 50000 }, { 0, 50000 } }, off = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm };

	CHECK(!flock(fd, LOCK_EX));
	CHECK_FAILS(flock(again, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(!sigaction(SIGALRM, &sa, NULL) && !setitimer(ITIMER_REAL, &it, NULL));
	CHECK_FAILS(flock(again, LOCK_SH), EINTR);
	CHECK(!setitimer(ITIMER_REAL, &off, NULL));
}

/* Waits until the parent lets go. */
static void waits(int fd)
{
	CHECK(!lock(fd, F_SETLKW, F_WRLCK, 10, 1) && write(fd, "child", 5) == 5);
}

static void test(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), fd2 = open("f", O_RDWR), status;
	struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 5 };
	pid_t pid;

	CHECK(fd >= 0 && fd2 >= 0 && !lock(fd, F_SETLK, F_WRLCK, 10, 20));
	CHECK(child(other, fd) == 0 && child(interrupted, fd) == 0);
	/* Any close of the file ends them. */
	pid = fork();
	if (!pid) {
		waits(fd);
		_exit(0);
	}
	usleep(20000);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	close(fd2);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0 && lseek(fd, 0, SEEK_CUR) == 5);
	/* Locks of the open file, not of the process. */
	fd2 = open("f", O_RDWR);
	CHECK(!lock(fd, F_OFD_SETLK, F_WRLCK, 0, 5));
	CHECK_FAILS(lock(fd2, F_OFD_SETLK, F_RDLCK, 4, 5), EAGAIN);
	CHECK_FAILS(lock(fd2, F_SETLK, F_RDLCK, 4, 5), EAGAIN);
	CHECK(!fcntl(fd2, F_OFD_GETLK, &fl) && fl.l_type == F_WRLCK && fl.l_pid == -1);
	close(fd);
	CHECK(!lock(fd2, F_OFD_SETLKW, F_RDLCK, 4, 5));
	CHECK_FAILS(lock(fd2, F_SETLK, 99, 0, 1), EINVAL);
	CHECK_FAILS(lock(987, F_SETLK, F_RDLCK, 0, 1), EBADF);
	CHECK_FAILS(fcntl(fd2, F_SETLK, (void *)16), EFAULT);
	CHECK(child(flocked, fd2) == 0);
	close(fd2);
	printf("locks ok\n");
}
