/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits that a parent sets for a running child: told, and in force at once; and what limits do to the
 * number of descriptors, the size of files, address space, data, the stack, locked memory and processes.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define MB (1ul << 20)

/* Limits a child that is running, and tells how it ended after fn. */
static int limited(enum __rlimit_resource what, rlim_t soft, rlim_t hard, void (*fn)(void))
{
	struct rlimit rl = { soft, hard }, old, got;
	int go[2], status;
	char c;
	pid_t pid;

	CHECK(!pipe(go));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!close(go[1]) && read(go[0], &c, 1) == 0);
		CHECK(!getrlimit(what, &got) && got.rlim_cur == soft && got.rlim_max == hard);
		fn();
		_exit(42);
	}
	CHECK(!prlimit(pid, what, &rl, &old) && old.rlim_max >= hard);
	CHECK(!prlimit(pid, what, NULL, &got) && got.rlim_cur == soft && got.rlim_max == hard);
	CHECK(!close(go[0]) && !close(go[1]));
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void *map(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void address_space(void)
{
	CHECK_FAILS((long)map(300 * MB), ENOMEM);
	CHECK(map(20 * MB) != MAP_FAILED);
}

static void data(void)
{
	void *old = sbrk(0);

	CHECK_FAILS((long)map(60 * MB), ENOMEM);
	CHECK_FAILS((long)sbrk(60 * MB), ENOMEM);
	CHECK(sbrk(0) == old && map(MB) != MAP_FAILED);
}

static void descriptors(void)
{
	CHECK_FAILS(fcntl(1, F_DUPFD, 30), EINVAL);
	CHECK_FAILS(dup2(1, 30), EBADF);
	CHECK(dup2(1, 29) == 29);
}

static void file_size(void)
{
	int fd = open("limited", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	signal(SIGXFSZ, SIG_IGN);
	CHECK(fd >= 0 && !ftruncate(fd, 100));
	CHECK_FAILS(ftruncate(fd, 5000), EFBIG);
	CHECK_FAILS(pwrite(fd, "x", 1, 4096), EFBIG);
	CHECK(pwrite(fd, "xy", 2, 4095) == 1);
	CHECK(!close(fd) && !unlink("limited"));
	signal(SIGXFSZ, SIG_DFL);
	fd = open("limited", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(!unlink("limited"));
	pwrite(fd, "x", 1, 8192);
}

static int deep(int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] : 0;
}

static void stack_ok(void)
{
	CHECK(deep(100) != -1);
}

static void stack_overflow(void)
{
	deep(1000);
}

static void processes(void)
{
	if (!geteuid())
		CHECK(!setresuid(64999, 64999, 64999));
	CHECK(fork() == -1 && errno == EAGAIN);
}

static void locked(void)
{
	char *p = map(16 * 4096);

	if (!geteuid())
		CHECK(!setresuid(64998, 64998, 64998));
	CHECK(p != MAP_FAILED);
	CHECK_FAILS(mlock(p, 16 * 4096), ENOMEM);
	CHECK(!mlock(p, 4096) && !munlock(p, 4096));
}

static void test(void)
{
	struct rlimit rl = { 5, 4 };
	int status;

	CHECK(limited(RLIMIT_AS, 200 * MB, 200 * MB, address_space) == 42 << 8);
	CHECK(limited(RLIMIT_DATA, 50 * MB, 100 * MB, data) == 42 << 8);
	CHECK(limited(RLIMIT_NOFILE, 30, 30, descriptors) == 42 << 8);
	status = limited(RLIMIT_FSIZE, 4096, 4096, file_size);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
	CHECK(limited(RLIMIT_STACK, 2 * MB, 4 * MB, stack_ok) == 42 << 8);
	status = limited(RLIMIT_STACK, 2 * MB, 4 * MB, stack_overflow);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	CHECK(limited(RLIMIT_NPROC, 0, 0, processes) == 42 << 8);
	CHECK(limited(RLIMIT_MEMLOCK, 8192, 8192, locked) == 42 << 8);
	CHECK_FAILS(prlimit(getpid(), RLIMIT_CORE, &rl, NULL), EINVAL);
	CHECK_FAILS(prlimit(-5, RLIMIT_CORE, NULL, &rl), ESRCH);
	CHECK_FAILS(prlimit(0, (enum __rlimit_resource)99, NULL, &rl), EINVAL);
	printf("limits hold\n");
}
