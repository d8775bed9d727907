/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mremap grows in place or by moving, shrinks, and moves to a given place, with the content. */
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul

static uint8_t *map(size_t pages)
{
	uint8_t *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void test(void)
{
	uint8_t *p = map(8), *q, *target;

	for (unsigned i = 0; i < 8 * PAGE; i++)
		p[i] = i / 3;
	q = mremap(p, 8 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	for (unsigned i = 0; i < 8 * PAGE; i++)
		CHECK(q[i] == (uint8_t)(i / 3));
	for (unsigned i = 8 * PAGE; i < 100 * PAGE; i++)
		CHECK(q[i] == 0);
	q[99 * PAGE] = 9;
	p = mremap(q, 100 * PAGE, 4 * PAGE, 0);
	CHECK(p == q);
	target = map(16);
	CHECK(munmap(target, 16 * PAGE) == 0);
	q = mremap(p, 4 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
	CHECK(q == target);
	for (unsigned i = 0; i < 4 * PAGE; i++)
		CHECK(q[i] == (uint8_t)(i / 3));
	CHECK(q[15 * PAGE] == 0);
	/* Without leave to move, and with a neighbour in the way, it fails and changes nothing. */
	p = map(3);
	p[0] = 5;
	CHECK(mmap(p + PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      p + PAGE);
	CHECK_FAILS((long)mremap(p, PAGE, 2 * PAGE, 0), ENOMEM);
	CHECK(p[0] == 5);
	CHECK_FAILS((long)mremap(p, PAGE, 0, 0), EINVAL);
	CHECK(munmap(p, 3 * PAGE) == 0);
	CHECK_FAILS((long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	CHECK(munmap(target, 16 * PAGE) == 0);
	printf("mremap ok\n");
}
