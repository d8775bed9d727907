/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writable shared mappings of a file: what is written there can be read(2), by this process and by
 * others, what is written to the file shows in the mapping, and both when the file grows or shrinks.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define PAGES 20
#define NAME "mapped"

static sigjmp_buf back;
static volatile int code;

static void on_bus(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	code = info->si_code;
	siglongjmp(back, 1);
}

static int touch(volatile uint8_t *p)
{
	code = 0;
	if (!sigsetjmp(back, 1))
		(void)*p;
	return code;
}

static void reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void other(uint8_t *p)
{
	uint8_t buf[64];
	int fd = open(NAME, O_RDWR);
	uint8_t *q;

	CHECK(fd >= 0);
	CHECK(pread(fd, buf, 5, 2 * PAGE) == 5 && !memcmp(buf, "child", 5));
	q = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	CHECK(!memcmp(q + 2 * PAGE, "child", 5));
	memcpy(q + 3 * PAGE, "grandchild", 10);
	CHECK(!memcmp(p + 3 * PAGE, "grandchild", 10));
	CHECK(close(fd) == 0);
	CHECK(munmap(q, PAGES * PAGE) == 0);
	_exit(0);
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	int fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0644);
	uint8_t *p, buf[PAGES * PAGE];
	uint64_t h = 0;
	pid_t pid;

	CHECK(fd >= 0);
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK(touch(p) == BUS_ADRERR);
	CHECK(ftruncate(fd, 10 * PAGE) == 0);
	CHECK(touch(p) == 0 && touch(p + 9 * PAGE) == 0 && touch(p + 10 * PAGE) == BUS_ADRERR);
	CHECK(ftruncate(fd, PAGES * PAGE) == 0);
	CHECK(touch(p + 19 * PAGE) == 0);

	/* Written by the mapping, read by the descriptor; and the other way round. */
	for (unsigned i = 0; i < PAGES * PAGE; i++)
		p[i] = i % 251;
	CHECK(pread(fd, buf, sizeof(buf), 0) == sizeof(buf));
	CHECK(!memcmp(buf, p, sizeof(buf)));
	for (unsigned i = 0; i < 8; i++) {
		memset(buf, 'a' + i, 1000);
		CHECK(pwrite(fd, buf, 1000, i * 3000) == 1000);
		CHECK(p[i * 3000] == 'a' + i && p[i * 3000 + 999] == 'a' + i);
		p[i * 3000 + 5] = 'x';
		CHECK(pread(fd, buf, 10, i * 3000) == 10 && buf[5] == 'x' && buf[6] == 'a' + i);
	}
	/* A descriptor of its own, and one that appends. */
	{
		int fd2 = open(NAME, O_WRONLY | O_APPEND);

		CHECK(fd2 >= 0);
		CHECK(write(fd2, "end", 3) == 3 && close(fd2) == 0);
		CHECK(lseek(fd, 0, SEEK_END) == PAGES * PAGE + 3);
	}

	/* A child writes there, its child sees it by another mapping, and all of them the same. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		memcpy(p + 2 * PAGE, "child", 5);
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			other(p);
		reap(pid);
		p[0] = 'C';
		_exit(0);
	}
	reap(pid);
	CHECK(p[0] == 'C' && !memcmp(p + 3 * PAGE, "grandchild", 10));
	CHECK(pread(fd, buf, 10, 3 * PAGE) == 10 && !memcmp(buf, "grandchild", 10));

	/* Shorter: what is cut off is gone, and comes back as zeros. */
	p[9 * PAGE] = 'z';
	CHECK(ftruncate(fd, 5 * PAGE + 100) == 0);
	CHECK(touch(p + 9 * PAGE) == BUS_ADRERR && touch(p + 5 * PAGE) == 0);
	CHECK(p[5 * PAGE + 99] == (5 * PAGE + 99) % 251 && p[5 * PAGE + 100] == 0);
	CHECK(truncate(NAME, PAGES * PAGE) == 0);
	CHECK(p[9 * PAGE] == 0 && p[5 * PAGE + 200] == 0);

	/* What is written last is in the file when the mapping, and the process, are gone. */
	p[7 * PAGE] = 'm';
	CHECK(msync(p, PAGES * PAGE, MS_SYNC) == 0);
	p[8 * PAGE] = 'u';
	CHECK(munmap(p, PAGES * PAGE) == 0);
	CHECK(pread(fd, buf, sizeof(buf), 0) == sizeof(buf));
	CHECK(buf[7 * PAGE] == 'm' && buf[8 * PAGE] == 'u');
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		CHECK(p != MAP_FAILED);
		p[11 * PAGE] = 'e';
		_exit(0);
	}
	reap(pid);
	CHECK(pread(fd, buf, sizeof(buf), 0) == sizeof(buf));
	CHECK(buf[11 * PAGE] == 'e');
	h = hash(h, buf, sizeof(buf));
	CHECK(close(fd) == 0);
	/* Read-only descriptors give no right to write. */
	fd = open(NAME, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_FAILS((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_FAILS(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK(munmap(p, PAGE) == 0 && close(fd) == 0);
	printf("file %016llx\n", (unsigned long long)h);
}
