/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmap, munmap, mprotect, mremap, madvise, msync, mincore, mlock and brk in many forms, right and wrong
 * ones. What each gives is printed: Linux at home says what is right.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* An address says nothing by itself: only whether it is the one that was expected. */
static void show(const char *what, long ret, const void *expected)
{
	int err = errno;

	if (ret == -1)
		printf("%s: %s\n", what, strerrorname_np(err));
	else if (expected)
		printf("%s: %s\n", what, (void *)ret == expected ? "there" : "elsewhere");
	else
		printf("%s: %ld\n", what, ret);
}

#define SHOW(expr) (errno = 0, show(#expr, (long)(expr), NULL))
#define AT(expr, where) (errno = 0, show(#expr, (long)(expr), where))

static void child_ends(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* In a child: a node may send it home for this, and the rest is tried away all the same. */
#define SOLO(...)                                                      \
	do {                                                           \
		pid_t solo_;                                           \
									\
		fflush(stdout);                                        \
		solo_ = fork();                                        \
		CHECK(solo_ >= 0);                                     \
		if (!solo_) {                                          \
			__VA_ARGS__;                                   \
			fflush(stdout);                                \
			_exit(0);                                      \
		}                                                      \
		child_ends(solo_);                                     \
	} while (0)

/* What an access does: in a child, so that each may die of it. */
static void access_of(const char *what, volatile uint8_t *p, int write)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		if (write)
			*p = 1;
		_exit(*p & 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "reads",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

#define READS(p) access_of("read " #p, (uint8_t *)(p), 0)
#define WRITES(p) access_of("write " #p, (uint8_t *)(p), 1)

static uint8_t *map(size_t pages)
{
	uint8_t *p = mmap(NULL, pages * PAGE, RW, ANON, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = i + 1;
	return p;
}

static void mapping(void)
{
	uint8_t *p = map(8);
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && ftruncate(fd, 2 * PAGE + 10) == 0);
	CHECK(munmap(p, 8 * PAGE) == 0);
	SHOW(mmap(NULL, 0, RW, ANON, -1, 0));
	SHOW(mmap(NULL, -1ul, RW, ANON, -1, 0));
	SOLO(SHOW(mmap(NULL, 1ul << 60, RW, ANON, -1, 0)));
	SHOW(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	SOLO(SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED));
	SOLO(SHOW(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0)));
	SHOW(mmap((void *)(-PAGE), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(mmap((void *)(1ul << 47), PAGE, RW, ANON | MAP_FIXED, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, ANON, -1, 1));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, 999, 0));
	SHOW(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 7));
	SHOW(mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, (off_t)1 << 62) != MAP_FAILED);
	AT(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
	AT(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
	AT(mmap(p - PAGE, 3 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p - PAGE);
	AT(mmap(p + PAGE, PAGE, RW, ANON, -1, 0), p + PAGE);
	AT(mmap(p, PAGE, RW, ANON, -1, 0), p);
	AT(mmap(p + 3 * PAGE + 5, PAGE, RW, ANON, -1, 0), p + 3 * PAGE);
	AT(mmap(p, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), p);
	READS(p + 2 * PAGE);
	READS(p + 2 * PAGE + 20);
	WRITES(p);
	AT(mmap(p, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0), p);
	READS(p + 3 * PAGE);
	AT(mmap(p, PAGE, PROT_NONE, ANON | MAP_FIXED | MAP_NORESERVE, -1, 0), p);
	READS(p);
	AT(mmap(p, PAGE, PROT_WRITE, ANON | MAP_FIXED | MAP_POPULATE, -1, 0), p);
	READS(p);
	AT(mmap(p, PAGE, PROT_EXEC, ANON | MAP_FIXED, -1, 0), p);
	READS(p);
	WRITES(p);
	SOLO(AT(mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED | MAP_LOCKED, -1, 0), p); WRITES(p + 3 * PAGE));
	AT(mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0), p);
	SOLO(AT(mmap(p, 4 * PAGE, RW, ANON | MAP_FIXED | MAP_32BIT, -1, 0), p));
	SOLO(SHOW((uint64_t)mmap(NULL, PAGE, RW, ANON | MAP_32BIT, -1, 0) < 1ul << 32));
	SOLO(SHOW(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0)));
	SOLO(SHOW(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE, fd, 0) != MAP_FAILED));
	SOLO(SHOW(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0)));
	SHOW(munmap(p + 1, PAGE));
	SHOW(munmap(p, 0));
	SOLO(SHOW(munmap((void *)-PAGE, 2 * PAGE)));
	SHOW(munmap(p + PAGE, PAGE));
	SHOW(munmap(p + PAGE, PAGE));
	READS(p + PAGE);
	READS(p + 2 * PAGE);
	SHOW(munmap(p, 8 * PAGE));
	CHECK(close(fd) == 0);
	fd = open("file", O_WRONLY);
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	CHECK(close(fd) == 0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	SHOW(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	CHECK(close(fd) == 0);
}

static void rights(void)
{
	uint8_t *p = map(6);

	SHOW(mprotect(p + 1, PAGE, PROT_READ));
	SOLO(SHOW(mprotect(p, 0, 0xff)));
	SOLO(SHOW(mprotect(p, PAGE, 0xff)));
	SOLO(SHOW(mprotect(p, -1ul, PROT_READ)));
	SHOW(mprotect(p + PAGE, 10, PROT_NONE));
	READS(p + PAGE);
	READS(p + 2 * PAGE);
	SHOW(mprotect(p + PAGE, PAGE, PROT_READ));
	READS(p + PAGE);
	WRITES(p + PAGE);
	SHOW(munmap(p + 3 * PAGE, PAGE));
	SHOW(mprotect(p, 6 * PAGE, PROT_READ));
	WRITES(p + 2 * PAGE);
	WRITES(p + 4 * PAGE);
	SHOW(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	SOLO(SHOW(mprotect(p, PAGE, RW | PROT_GROWSDOWN)));
	SOLO(SHOW(mprotect(p, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP)));
	SHOW(mprotect(p, 3 * PAGE, RW));
	WRITES(p + 2 * PAGE);
	SHOW(munmap(p, 6 * PAGE));
}

static void stays_mapped(uint8_t *p)
{
	uint8_t *r = mremap(p + 2 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);

	SHOW(r != MAP_FAILED);
	SHOW(r[0]);
	SHOW(r[PAGE]);
	SHOW(p[2 * PAGE]);
	p[2 * PAGE] = 77;
	SHOW(r[0]);
	SHOW(munmap(r, 2 * PAGE));
}

static void shared_twice(void)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0), *q;

	CHECK(p != MAP_FAILED);
	p[PAGE] = 5;
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	SHOW(q != MAP_FAILED && q != p);
	SHOW(q[PAGE]);
	q[PAGE + 1] = 6;
	SHOW(p[PAGE + 1]);
	SHOW(munmap(p, 2 * PAGE) | munmap(q, 2 * PAGE));
}

static void moving(void)
{
	uint8_t *p = map(8), *q = map(8);

	SHOW(mremap(p, PAGE, 0, 0));
	SHOW(mremap(p + 1, PAGE, PAGE, 0));
	SOLO(SHOW(mremap(p, PAGE, PAGE, 0x80)));
	SHOW(mremap(p, PAGE, PAGE, MREMAP_FIXED, q));
	SHOW(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1));
	SHOW(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	SHOW(mremap(p, 0, PAGE, MREMAP_MAYMOVE));
	SOLO(SHOW(mremap(p, -1ul, PAGE, MREMAP_MAYMOVE)));
	SHOW(mremap(p, PAGE, -PAGE, MREMAP_MAYMOVE));
	AT(mremap(p, 8 * PAGE, 6 * PAGE, 0), p);
	READS(p + 6 * PAGE);
	AT(mremap(p, 6 * PAGE, 7 * PAGE, 0), p);
	READS(p + 5 * PAGE);
	READS(p + 6 * PAGE);
	AT(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 3 * PAGE), q + 3 * PAGE);
	READS(p + PAGE);
	SHOW(q[3 * PAGE]);
	SHOW(q[4 * PAGE]);
	SHOW(q[5 * PAGE]);
	SOLO(stays_mapped(p));
	SOLO(SHOW(mremap(p + 2 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP)));
	SOLO(SHOW(mremap(p + 2 * PAGE, PAGE, PAGE, MREMAP_DONTUNMAP)));
	/* Across two mappings. */
	SHOW(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	SHOW(mremap(p + 2 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE));
	SHOW(munmap(p, 8 * PAGE));
	SHOW(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE));
	SHOW(munmap(q, 8 * PAGE));
}

static void forked(uint8_t *p)
{
	SHOW(madvise(p + 2 * PAGE, PAGE, MADV_DONTFORK));
	READS(p + 2 * PAGE);
	SHOW(madvise(p + 2 * PAGE, PAGE, MADV_DOFORK));
	READS(p + 2 * PAGE);
	SHOW(madvise(p + 2 * PAGE, PAGE, 18)); /* MADV_WIPEONFORK */
	READS(p + 2 * PAGE);
	SHOW(p[2 * PAGE]);
	SHOW(madvise(p + 2 * PAGE, PAGE, 19));
}

/* Linux 6.13; before, not known. */
static void guarded(uint8_t *p)
{
	SHOW(madvise(p + 6 * PAGE, PAGE, 102));
	READS(p + 6 * PAGE);
	SHOW(madvise(p + 6 * PAGE, PAGE, 103));
	READS(p + 6 * PAGE);
}

static void advice(void)
{
	static const int all[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
				   23, 5, 7, 24, 26, 99, -1 };
	uint8_t *p = map(8), vec[8];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int a = all[i];

		/* What a kernel was built without differs; here it is the same one. */
		SOLO(printf("madvise %d", a); errno = 0; show("", madvise(p, 2 * PAGE, a), NULL));
	}
	SHOW(madvise(p + 1, PAGE, MADV_NORMAL));
	SHOW(madvise(p, 0, MADV_DONTNEED));
	SHOW(madvise(p, -PAGE, MADV_DONTNEED));
	SHOW(p[0]);
	SHOW(p[2 * PAGE]);
	SHOW(munmap(p + 4 * PAGE, PAGE));
	SHOW(madvise(p + 3 * PAGE, 3 * PAGE, MADV_DONTNEED));
	SHOW(p[3 * PAGE]);
	SHOW(p[5 * PAGE]);
	SHOW(p[6 * PAGE]);
	p[2 * PAGE] = 9;
	SOLO(forked(p));
	SOLO(guarded(p));
	SHOW(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	SHOW(msync(p + 1, PAGE, MS_SYNC));
	SHOW(msync(p, 8 * PAGE, MS_SYNC));
	SHOW(msync(p, 4 * PAGE, MS_ASYNC | MS_INVALIDATE));
	SOLO(SHOW(msync(p, 4 * PAGE, 64)));
	memset(p, 1, 4 * PAGE);
	SHOW(mincore(p, 4 * PAGE, vec));
	SHOW(vec[0] & vec[1] & vec[2] & vec[3] & 1);
	SHOW(mincore(p + 3 * PAGE, 2 * PAGE, vec));
	SHOW(mincore(p + 1, PAGE, vec));
	SOLO(SHOW(mincore(p, PAGE, (void *)8)));
	SHOW(munmap(p, 8 * PAGE));
}

static void locked(void)
{
	struct rlimit none = { 0, 0 };
	uint8_t *p = map(4);
	int status;
	pid_t pid;

	SHOW(mlock(p, 4 * PAGE));
	SHOW(munlock(p + PAGE, PAGE));
	SHOW(syscall(SYS_mlock2, p, PAGE, 1));
	SHOW(syscall(SYS_mlock2, p, PAGE, 8));
	SHOW(madvise(p, PAGE, MADV_DONTNEED));
	SHOW(mlock(p, 0));
	SHOW(munmap(p + 3 * PAGE, PAGE));
	SHOW(mlock(p, 4 * PAGE));
	SHOW(munlockall());
	SHOW(mlockall(0));
	SHOW(mlockall(MCL_ONFAULT));
	SHOW(mlockall(MCL_CURRENT | MCL_FUTURE));
	SHOW(munlockall());
	p[0] = 3;
	SHOW(p[0] + p[PAGE] + p[2 * PAGE]);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
		SHOW(mlock(p, PAGE) == 0 || errno == EPERM);
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	SHOW(munmap(p, 3 * PAGE));
}

static void heap(void)
{
	uint8_t *start = sbrk(0), *p;

	AT(syscall(SYS_brk, 0), start);
	AT(sbrk(100000), start);
	memset(start, 7, 100000);
	AT(syscall(SYS_brk, start + 50000), start + 50000);
	AT(syscall(SYS_brk, start + 100000), start + 100000);
	SHOW(start[49999]);
	SHOW(start[50000 + 8192]);
	AT(syscall(SYS_brk, 8), start + 100000);
	AT(syscall(SYS_brk, -1ul), start + 100000);
	AT(syscall(SYS_brk, start), start);
	p = (uint8_t *)(((uint64_t)start + 65535) & ~4095ul);
	AT(mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
	AT(syscall(SYS_brk, start + 1000000), start);
	SHOW(munmap(p, PAGE));
	AT(syscall(SYS_brk, start + 1000000), start + 1000000);
	AT(syscall(SYS_brk, start), start);
}

static void test(void)
{
	static char buffer[1 << 16];

	/* Not of malloc's: heap() takes that memory for itself. */
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	SOLO(mapping());
	SOLO(rights());
	SOLO(moving());
	SOLO(shared_twice());
	SOLO(advice());
	SOLO(locked());
	SOLO(heap());
}
