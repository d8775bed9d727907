/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fcntl: descriptors, flags, pipes' sizes, owners and signals of descriptors, leases, seals. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/abi/abi.h"

static volatile int got_fd;

static void on_io(int sig, siginfo_t *info, void *ctx)
{
	(void)sig;
	(void)ctx;
	got_fd = info->si_fd;
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = on_io, .sa_flags = SA_SIGINFO };
	struct f_owner_ex me = { F_OWNER_PID, getpid() }, ex;
	int p[2], fd, fd2, mem;
	uint64_t hint = RWH_WRITE_LIFE_SHORT;

	CHECK(!pipe2(p, O_NONBLOCK | O_CLOEXEC) && fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(p[0], F_GETFL) == O_NONBLOCK && fcntl(p[1], F_GETFL) == (O_NONBLOCK | O_WRONLY));
	fd = fcntl(p[1], F_DUPFD, 50);
	fd2 = fcntl(p[1], F_DUPFD_CLOEXEC, 50);
	CHECK(fd == 50 && fd2 == 51 && fcntl(fd, F_GETFD) == 0 && fcntl(fd2, F_GETFD) == FD_CLOEXEC);
	CHECK(!fcntl(fd, F_SETFD, FD_CLOEXEC) && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(!fcntl(p[1], F_SETFL, O_APPEND) && fcntl(fd, F_GETFL) == (O_WRONLY | O_APPEND));
	CHECK(fcntl(p[1], F_SETPIPE_SZ, 100000) == 131072 && fcntl(p[0], F_GETPIPE_SZ) == 131072);
	CHECK_FAILS(fcntl(fd, 98765), EINVAL);
	CHECK_FAILS(fcntl(987, F_GETFL), EBADF);
	CHECK_FAILS(fcntl(p[0], F_DUPFD, -1), EINVAL);
	CHECK_FAILS(fcntl(p[0], F_DUPFD, 1 << 30), EINVAL);
	/* A signal of the program's choice when there is something to read, saying where. */
	CHECK(!sigaction(SIGRTMIN + 3, &sa, NULL) && !fcntl(p[0], F_SETOWN, getpid()) && fcntl(p[0], F_GETOWN) == getpid());
	CHECK(!fcntl(p[0], F_SETOWN_EX, &me) && !fcntl(p[0], F_GETOWN_EX, &ex) && ex.pid == getpid() && ex.type == F_OWNER_PID);
	CHECK(!fcntl(p[0], F_SETSIG, SIGRTMIN + 3) && fcntl(p[0], F_GETSIG) == SIGRTMIN + 3);
	CHECK(!fcntl(p[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	got_fd = -1;
	CHECK(write(p[1], "x", 1) == 1);
	while (got_fd == -1)
		usleep(1000);
	CHECK(got_fd == p[0]);
	close(fd);
	close(fd2);
	close(p[0]);
	close(p[1]);
	signal(SIGRTMIN + 3, SIG_DFL);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	CHECK(fcntl(fd, F_GETLEASE) == F_UNLCK && !fcntl(fd, F_SETLEASE, F_WRLCK) && fcntl(fd, F_GETLEASE) == F_WRLCK);
	CHECK(!fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK(!fcntl(fd, F_SET_RW_HINT, &hint) && !(hint = 0) && !fcntl(fd, F_GET_RW_HINT, &hint) && hint == RWH_WRITE_LIFE_SHORT);
	close(fd);
	mem = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CHECK(mem >= 0 && !ftruncate(mem, 100) && fcntl(mem, F_GET_SEALS) == 0);
	CHECK(!fcntl(mem, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE));
	CHECK_FAILS(write(mem, "x", 1), EPERM);
	CHECK_FAILS(ftruncate(mem, 10), EPERM);
	CHECK(!ftruncate(mem, 200) && fcntl(mem, F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_WRITE));
	close(mem);
	printf("fcntl ok\n");
}
