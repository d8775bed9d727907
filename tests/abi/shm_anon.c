/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared anonymous memory: a parent and its children see each other's writes, also of pages first
 * touched after the fork, of children's children, and after the one who wrote has ended. What one
 * unmaps, the others keep.
 */
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define PAGES 40

static volatile uint32_t *shared;

static void wait_for_word(size_t at, uint32_t value)
{
	while (__atomic_load_n(&shared[at], __ATOMIC_ACQUIRE) != value)
		sched_yield();
}

static void set(size_t at, uint32_t value)
{
	__atomic_store_n(&shared[at], value, __ATOMIC_RELEASE);
}

static void reap(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void count(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__atomic_add_fetch(&shared[1], 1, __ATOMIC_RELAXED);
}

/* Parent and child take turns; each looks at what the other wrote. */
static void turns(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	for (uint32_t i = 0; i < 50; i++) {
		wait_for_word(0, 2 * i + !pid);
		if (i)
			CHECK(shared[1024 * (i % PAGES) + 5] == (pid ? i - 1 : i));
		shared[1024 * ((i + !pid) % PAGES) + 5] = i;
		set(0, 2 * i + !pid + 1);
	}
	if (!pid)
		_exit(0);
	reap(pid);
	set(0, 0);
}

static void counters(void)
{
	pid_t pid[4];

	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (!pid[i]) {
			pid_t grandchild = fork();

			CHECK(grandchild >= 0);
			count(2000);
			if (!grandchild)
				_exit(0);
			reap(grandchild);
			_exit(0);
		}
	}
	count(2000);
	for (int i = 0; i < 4; i++)
		reap(pid[i]);
	CHECK(shared[1] == 9 * 2000);
	shared[1] = 0;
}

static void test(void)
{
	uint8_t *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t sum = 0;
	pid_t pid;

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < PAGES * PAGE; i += 511)
		CHECK(p[i] == 0);
	shared = (uint32_t *)p;
	turns();
	counters();

	/* A child writes pages that nobody has touched, unmaps a part, and ends. */
	memset(p, 0, PAGES * PAGE);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		for (size_t i = 0; i < PAGES * PAGE; i++)
			p[i] = i / 7;
		CHECK(munmap(p + 4 * PAGE, 8 * PAGE) == 0);
		p[0] = 77;
		_exit(0);
	}
	reap(pid);
	CHECK(p[0] == 77);
	p[0] = 0;
	for (size_t i = 0; i < PAGES * PAGE; i++)
		CHECK(p[i] == (uint8_t)(i / 7));
	sum = hash(sum, p, PAGES * PAGE);

	/* DONTNEED takes the pages out of this process, not out of the memory. */
	CHECK(madvise(p, PAGES * PAGE, MADV_DONTNEED) == 0);
	CHECK(hash(0, p, PAGES * PAGE) == sum);
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(p[PAGE - 1] == (uint8_t)((PAGE - 1) / 7));
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0);
	p[1] = 9;
	CHECK(msync(p, PAGES * PAGE, MS_SYNC) == 0);
	/* It moves with its content, and still is what the child has. */
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		wait_for_word(100, 1);
		p[5 * PAGE] = 42;
		set(100, 2);
		_exit(0);
	}
	p = mremap(p, PAGES * PAGE, 20 * PAGE, 0);
	CHECK((uint32_t *)p == shared);
	p = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	p = mremap((void *)shared, 20 * PAGE, 20 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
	CHECK(p != MAP_FAILED);
	shared = (uint32_t *)p;
	set(100, 1);
	wait_for_word(100, 2);
	reap(pid);
	CHECK(p[5 * PAGE] == 42);
	CHECK(munmap(p, 64 * PAGE) == 0);
	printf("shared %016llx\n", (unsigned long long)sum);
}
