/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that only i386 has, or has in older forms, by int 0x80 and by the vDSO's entry.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

#define PAGE 4096

static long int80(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return ret;
}

/* What the C library does: call *%gs:16 is __kernel_vsyscall. */
static long vsyscall(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("call *%%gs:16" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

#define CALL1(nr, a) int80(nr, (long)(a), 0, 0, 0, 0)
#define CALL2(nr, a, b) int80(nr, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(nr, a, b, c) int80(nr, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL5(nr, a, b, c, d, e) int80(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static volatile int caught;

static void on_signal(int sig)
{
	caught = sig;
}

static void files(void)
{
	long map[6] = { 0, 2 * PAGE, PROT_READ, MAP_PRIVATE, 0, PAGE };
	uint32_t st[24], fs[16];
	uint64_t where;
	int fd = CALL3(5 /* open */, "f", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char *p;

	CHECK(fd >= 0 && CALL3(4, fd, "0123456789", 10) == 10);
	CHECK(CALL2(93 /* ftruncate */, fd, 3 * PAGE) == 0);
	/* _llseek: the offset in two words, the result in memory. */
	CHECK(CALL5(140, fd, 1, 5, &where, SEEK_SET) == 0 && where == (1ull << 32) + 5);
	CHECK(CALL3(19 /* lseek */, fd, -10, SEEK_END) == 3 * PAGE - 10);
	CHECK(CALL3(194 /* ftruncate64 */, fd, 3 * PAGE, 0) == 0);
	CHECK(int80(181 /* pwrite64 */, fd, (long)"xyz", 3, PAGE + 1, 0) == 3);
	memset(st, 0x5a, sizeof(st));
	/* stat64: 96 bytes; the size at 44 */
	CHECK(CALL2(197, fd, st) == 0 && st[11] == 3 * PAGE && st[12] == 0);
	memset(st, 0x5a, sizeof(st));
	/* newstat: 64 bytes; the size at 20, and nothing behind */
	CHECK(CALL2(108, fd, st) == 0 && st[5] == 3 * PAGE && st[16] == 0x5a5a5a5a);
	CHECK(CALL2(100 /* fstatfs */, fd, fs) == 0);
	CHECK(CALL3(269 /* fstatfs64 */, fd, 84, st) == 0 && CALL3(269, fd, 80, st) == -EINVAL);
	map[4] = fd;
	p = (char *)CALL1(90 /* mmap */, map);
	CHECK((unsigned long)p < -4095ul && p[1] == 'x' && p[3] == 'z' && !p[PAGE]);
	CHECK(CALL2(91, p, 2 * PAGE) == 0);
	p = (char *)vsyscall(192 /* mmap2, only three arguments: the others are rubbish */, 1, 0, 0);
	CHECK((unsigned long)p >= -4095ul);
	map[5] = 1;
	CHECK(CALL1(90, map) == -EINVAL && CALL1(6, fd) == 0);
}

static void processes(void)
{
	struct {
		uint32_t soft, hard;
	} lim, old;
	uint32_t rusage[18], tms[4], status = 0;
	int32_t t;
	long pid;

	CHECK(CALL2(191 /* ugetrlimit */, RLIMIT_NOFILE, &lim) == 0);
	CHECK(CALL2(76 /* getrlimit */, RLIMIT_NOFILE, &old) == 0 && old.soft == lim.soft);
	old.soft = 100;
	CHECK(CALL2(75, RLIMIT_NOFILE, &old) == 0 && CALL2(191, RLIMIT_NOFILE, &old) == 0);
	CHECK(old.soft == 100 && CALL2(75, RLIMIT_NOFILE, &lim) == 0);
	CHECK(CALL2(77 /* getrusage */, 0, rusage) == 0 && CALL1(43, tms) != -EFAULT);
	CHECK(CALL1(13 /* time */, &t) == t && vsyscall(13, 0, 0, 0) >= t);
	fflush(stdout);
	pid = CALL1(2, 0);
	if (!pid)
		CALL1(1, 37);
	CHECK(pid > 0 && CALL3(7 /* waitpid */, pid, &status, 0) == pid && status == 37 << 8);
	CHECK(vsyscall(20, 0, 0, 0) == getpid() && CALL1(100000, 0) == -ENOSYS);
	CHECK(CALL2(102 /* socketcall */, 99, &t) == -EINVAL);
}

static void sockets(void)
{
	long a[6] = { AF_UNIX, SOCK_STREAM, 0 };
	int sv[2], one = 0;
	socklen_t len = sizeof(one);
	char buf[8] = "";

	a[3] = (long)sv;
	CHECK(CALL2(102, 8 /* socketpair */, a) == 0);
	memcpy(a, (long[]){ sv[0], (long)"abc", 3, 0 }, 16);
	CHECK(CALL2(102, 9 /* send */, a) == 3);
	memcpy(a, (long[]){ sv[1], (long)buf, 8, 0 }, 16);
	CHECK(CALL2(102, 10 /* recv */, a) == 3 && !strcmp(buf, "abc"));
	memcpy(a, (long[]){ sv[1], SOL_SOCKET, SO_TYPE, (long)&one, (long)&len }, 20);
	CHECK(CALL2(102, 15 /* getsockopt */, a) == 0 && one == SOCK_STREAM);
	memcpy(a, (long[]){ sv[0], SHUT_WR }, 8);
	CHECK(CALL2(102, 13 /* shutdown */, a) == 0 && read(sv[1], buf, 8) == 0);
	CHECK(CALL2(102, 13, 16) == -EFAULT);
	close(sv[0]);
	close(sv[1]);
}

static void signals(void)
{
	struct {
		void (*handler)(int);
		uint32_t mask, flags;
		void *restorer;
	} act = { on_signal, 1u << (SIGUSR2 - 1), 0, NULL }, old;
	uint32_t set = 1u << (SIGUSR1 - 1), was = 0;
	struct {
		uint32_t n, in, out, ex, tv;
	} sel = { 0, 0, 0, 0, 0 };
	struct {
		int32_t sec, usec;
	} tv = { 0, 1000 };

	/* Without SA_RESTORER: back by the vDSO. */
	CHECK(CALL3(67 /* sigaction */, SIGUSR1, &act, NULL) == 0);
	CHECK(CALL3(67, SIGUSR1, NULL, &old) == 0 && old.handler == on_signal && old.mask == act.mask);
	CHECK(CALL2(37, getpid(), SIGUSR1) == 0 && caught == SIGUSR1);
	CHECK(CALL3(126 /* sigprocmask */, SIG_BLOCK, &set, &was) == 0 && !(was & set));
	caught = 0;
	CHECK(CALL2(37, getpid(), SIGUSR1) == 0 && !caught);
	CHECK(CALL1(73 /* sigpending */, &was) == 0 && was == set && CALL1(68, 0) == (long)set);
	CHECK(CALL3(72 /* sigsuspend */, 0, 0, 0) == -EINTR && caught == SIGUSR1);
	CHECK(CALL1(69 /* ssetmask */, 0) == (long)set && CALL1(68, 0) == 0);
	/* signal(2) of old: once only. */
	CHECK(CALL2(48, SIGUSR2, on_signal) == 0 && CALL2(37, getpid(), SIGUSR2) == 0);
	CHECK(caught == SIGUSR2 && CALL2(48, SIGUSR2, SIG_DFL) == 0);
	CHECK(CALL2(48, SIGUSR1, SIG_DFL) == (long)on_signal);
	sel.tv = (uint32_t)(unsigned long)&tv;
	CHECK(CALL1(82 /* select */, &sel) == 0 && CALL1(82, 16) == -EFAULT);
}

static void test(void)
{
	files();
	processes();
	sockets();
	signals();
	printf("calls ok\n");
}
