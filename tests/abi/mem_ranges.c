/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls about ranges of memory that reach far beyond what is mapped, to the end of all addresses,
 * or over it: some do what they can before the first hole, some between holes, some nothing.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define RW   (PROT_READ | PROT_WRITE)

#define SHOW(name, len, expr)                                     \
	do {                                                      \
		long ret_;                                        \
		errno = 0;                                        \
		ret_ = (long)(expr);                              \
		printf("%s, %s: %ld %s\n", name, len, ret_,       \
		       ret_ == -1 ? strerrorname_np(errno) : ""); \
	} while (0)

/* Four pages with nothing behind them. */
static uint8_t *map(void)
{
	uint8_t *p = mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED && !munmap(p + 4 * PAGE, 4 * PAGE));
	memset(p, 5, 4 * PAGE);
	return p;
}

/* In a child: a node may send it home for this, and the rest is tried away all the same. */
static void in_child(void (*what)(uint8_t *p, size_t len, const char *name), size_t len,
		     const char *name)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		what(map(), len, name);
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void protected(uint8_t *p, size_t len, const char *name)
{
	SHOW("mprotect, to be read", name, syscall(SYS_mprotect, p, len, PROT_READ));
	SHOW("mprotect, to be written", name, syscall(SYS_mprotect, p, len, RW));
	SHOW("mprotect of nothing", name, syscall(SYS_mprotect, p + 4 * PAGE, len, RW));
	SHOW("mprotect, not of a page", name, syscall(SYS_mprotect, p + 1, len, RW));
	p[0]++;
	p[3 * PAGE]++;
	CHECK(p[0] == 6 && p[3 * PAGE] == 6);
}

static void locked(uint8_t *p, size_t len, const char *name)
{
	SHOW("mlock", name, syscall(SYS_mlock, p, len));
	SHOW("mlock, not of a page", name, syscall(SYS_mlock, p + 1, len));
	SHOW("mlock of nothing", name, syscall(SYS_mlock, p + 4 * PAGE, len));
	SHOW("mlock from 0", name, syscall(SYS_mlock, 0, len));
	SHOW("mlock2", name, syscall(SYS_mlock2, p, len, 1));
	SHOW("munlock", name, syscall(SYS_munlock, p, len));
	SHOW("munlock from 0", name, syscall(SYS_munlock, 0, len));
	CHECK(p[0] == 5 && p[3 * PAGE] == 5);
}

static void asked(uint8_t *p, size_t len, const char *name)
{
	uint8_t vec[8];

	SHOW("MADV_RANDOM", name, syscall(SYS_madvise, p, len, MADV_RANDOM));
	SHOW("MADV_WILLNEED", name, syscall(SYS_madvise, p, len, MADV_WILLNEED));
	SHOW("no advice", name, syscall(SYS_madvise, p, len, 12345));
	SHOW("no advice, not of a page", name, syscall(SYS_madvise, p + 1, len, 12345));
	SHOW("no advice", "nothing", syscall(SYS_madvise, p, 0, 12345));
	SHOW("msync", name, syscall(SYS_msync, p, len, MS_SYNC));
	SHOW("mincore", name,
	     syscall(SYS_mincore, p + 2 * PAGE, len < 9 * PAGE ? len : -PAGE, vec));
	CHECK(p[0] == 5 && p[3 * PAGE] == 5);
}

static void advised(uint8_t *p, size_t len, const char *name)
{
	SHOW("MADV_DONTDUMP", name, syscall(SYS_madvise, p, len, MADV_DONTDUMP));
	SHOW("MADV_DODUMP", name, syscall(SYS_madvise, p, len, MADV_DODUMP));
	CHECK(p[0] == 5 && p[3 * PAGE] == 5);
}

static void locked_advised(uint8_t *p, size_t len, const char *name)
{
	CHECK(!mlock(p, PAGE));
	SHOW("MADV_DONTNEED, of locked memory", name, syscall(SYS_madvise, p, len, MADV_DONTNEED));
	CHECK(p[0] == 5 && p[3 * PAGE] == 5);
}

static void moved(uint8_t *p, size_t len, const char *name)
{
	SHOW("mremap to", name, syscall(SYS_mremap, p, 4 * PAGE, len, 0, 0));
	SHOW("munmap from the end", name, syscall(SYS_munmap, p + (1ul << 47), len));
	CHECK(p[0] == 5 && p[3 * PAGE] == 5);
}

static void test(void)
{
	static const struct {
		size_t len;
		const char *name;
	} lens[] = {
		{ 8 * PAGE, "8 pages" },
		{ 1ul << 30, "1 GB" },
		{ 1ul << 46, "half of all" },
		{ 1ul << 47, "as long as all" },
		{ 1ul << 63, "longer than all" },
		{ -8 * PAGE, "over the end" },
		{ -PAGE, "-1 pages" },
		{ -1, "-1" },
	};

	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		in_child(protected, lens[i].len, lens[i].name);
		in_child(locked, lens[i].len, lens[i].name);
		in_child(asked, lens[i].len, lens[i].name);
		in_child(advised, lens[i].len, lens[i].name);
		/* What is locked lies first: nothing else is given up. */
		in_child(locked_advised, lens[i].len, lens[i].name);
		if (lens[i].len != 8 * PAGE)
			in_child(moved, lens[i].len, lens[i].name);
	}
}
