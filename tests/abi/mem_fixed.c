/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAP_FIXED replaces, MAP_FIXED_NOREPLACE refuses, a hint is taken where there is room. */
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define BEYOND (sizeof(long) == 8 ? (long)0x800000000000ll : -(long)PAGE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static void test(void)
{
	uint8_t *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, ANON, -1, 0), *q;

	CHECK(p != MAP_FAILED);
	memset(p, 1, 8 * PAGE);
	q = mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);
	CHECK(q == p + 2 * PAGE);
	CHECK(p[PAGE] == 1 && q[0] == 0 && q[PAGE] == 0 && p[4 * PAGE] == 1);
	CHECK_FAILS((long)mmap(p + 7 * PAGE, 2 * PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1,
			       0), EEXIST);
	CHECK(p[7 * PAGE] == 1);
	CHECK(munmap(p + 5 * PAGE, 2 * PAGE) == 0);
	q = mmap(p + 5 * PAGE, 2 * PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(q == p + 5 * PAGE && q[0] == 0);
	CHECK(munmap(p, 8 * PAGE) == 0);
	q = mmap(p, PAGE, PROT_READ, ANON, -1, 0);
	CHECK(q == p);
	CHECK(munmap(q, PAGE) == 0);
	CHECK_FAILS((long)mmap((void *)1, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0), EINVAL);
	CHECK_FAILS((long)mmap((void *)BEYOND, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0), ENOMEM);
	printf("fixed ok\n");
}
