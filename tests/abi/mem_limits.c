/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK, overcommit, very large and very many mappings. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define MB (1ul << 20)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void in_child(const char *what, void (*fn)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		fn();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "exit",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void limit(int which, rlim_t value)
{
	struct rlimit r;

	CHECK(getrlimit(which, &r) == 0);
	r.rlim_cur = value;
	CHECK(setrlimit(which, &r) == 0);
}

static void say(const char *what, void *p)
{
	printf("  %s: %s\n", what, p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
}

static void address_space(void)
{
	void *p;

	limit(RLIMIT_AS, 64 * MB);
	say("80 MB", mmap(NULL, 80 * MB, RW, ANON, -1, 0));
	say("80 MB without rights", mmap(NULL, 80 * MB, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
	p = mmap(NULL, 16 * MB, RW, ANON, -1, 0);
	say("16 MB", p);
	say("16 MB to 70", mremap(p, 16 * MB, 70 * MB, MREMAP_MAYMOVE));
	printf("  %s\n", sbrk(60 * MB) == (void *)-1 ? strerrorname_np(errno) : "heap grew");
	printf("  malloc %s\n", malloc(100 * MB) ? "has it" : strerrorname_np(errno));
	CHECK(munmap(p, 16 * MB) == 0);
}

static void data(void)
{
	void *p;

	limit(RLIMIT_DATA, 24 * MB);
	printf("  %s\n", sbrk(30 * MB) == (void *)-1 ? strerrorname_np(errno) : "heap grew");
	say("30 MB", mmap(NULL, 30 * MB, RW, ANON, -1, 0));
	p = mmap(NULL, 30 * MB, PROT_READ, ANON, -1, 0);
	say("30 MB to be read", p);
	printf("  written to: %s\n", mprotect(p, 30 * MB, RW) ? strerrorname_np(errno) : "yes");
	say("30 MB shared", mmap(NULL, 30 * MB, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	p = mmap(NULL, 8 * MB, RW, ANON, -1, 0);
	say("8 MB", p);
	say("8 MB to 30", mremap(p, 8 * MB, 30 * MB, MREMAP_MAYMOVE));
}

static unsigned deeper(unsigned n)
{
	volatile uint8_t here[16384];

	here[0] = n;
	here[sizeof(here) - 1] = n;
	return n ? deeper(n - 1) + here[0] : here[sizeof(here) - 1];
}

static void stack(void)
{
	limit(RLIMIT_STACK, 4 * MB);
	printf("  %u\n", deeper(150));
	fflush(stdout);
	deeper(1000);
}

static void large_stack(void)
{
	printf("  %u\n", deeper(400));
}

static void sparse(void)
{
	const size_t size = 1ul << 40;
	uint8_t *p = mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0);
	unsigned sum = 0;

	say("1 TB", p);
	if (p == MAP_FAILED)
		return;
	for (size_t at = 0; at < size; at += size / 64)
		p[at] = at / (size / 64);
	for (size_t at = 0; at < size; at += size / 64)
		sum += p[at] + p[at + PAGE];
	printf("  %u\n", sum);
	CHECK(madvise(p + size / 4, size / 2, MADV_DONTNEED) == 0);
	printf("  %u %u\n", p[size / 2], p[size - size / 64]);
	CHECK(mprotect(p, size, PROT_READ) == 0);
	CHECK(munmap(p, size) == 0);
}

static void overcommit(void)
{
	say("16 TB", mmap(NULL, 16ul << 40, RW, ANON, -1, 0));
	say("16 TB, NORESERVE", mmap(NULL, 16ul << 40, RW, ANON | MAP_NORESERVE, -1, 0));
	say("16 TB, to be read", mmap(NULL, 16ul << 40, PROT_READ, ANON, -1, 0));
	say("16 TB, PROT_NONE", mmap(NULL, 16ul << 40, PROT_NONE, ANON, -1, 0));
	say("127 TB", mmap(NULL, 127ul << 40, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
	/* Time to be moved with them. */
	usleep(100000);
}

/* Every second page with other rights: as many mappings. */
static void many(void)
{
	const size_t n = 3000;
	uint8_t *p = mmap(NULL, n * PAGE, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < n; i += 2) {
		p[i * PAGE] = i;
		CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0);
	}
	for (size_t i = 0; i < n; i += 2)
		CHECK(p[i * PAGE] == (uint8_t)i);
	CHECK(mprotect(p, n * PAGE, RW) == 0);
	for (size_t i = 0; i < n; i++)
		p[i * PAGE] = 1;
	for (size_t i = 1; i < n; i += 2)
		CHECK(munmap(p + i * PAGE, PAGE) == 0);
	for (size_t i = 0; i < n; i += 2)
		CHECK(p[i * PAGE] == 1);
	CHECK(munmap(p, n * PAGE) == 0);
}

/* A mapping that grows down when touched below it, but not over its neighbour. */
static void grows(void)
{
	uint8_t *p = mmap(NULL, 600 * PAGE, PROT_NONE, ANON, -1, 0), *q;

	CHECK(p != MAP_FAILED && munmap(p, 600 * PAGE) == 0);
	q = mmap(p + 590 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	CHECK(q == p + 590 * PAGE);
	for (int i = 1; i < 40; i++)
		*(volatile uint8_t *)(q - i * PAGE) = i;
	printf("  %d %d\n", q[-30 * (long)PAGE], q[0]);
}

static void test(void)
{
	in_child("RLIMIT_AS", address_space);
	in_child("RLIMIT_DATA", data);
	in_child("RLIMIT_STACK", stack);
	in_child("a large stack", large_stack);
	in_child("sparse", sparse);
	in_child("overcommit", overcommit);
	in_child("many", many);
	in_child("GROWSDOWN", grows);
}
