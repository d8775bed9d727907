/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program break: grows with zeros, shrinks, and comes back zeroed. */
#include <sys/syscall.h>

#include "tests/abi/abi.h"

#define STEP (300 * 1024ul)

static unsigned long sys_brk(unsigned long addr)
{
	return syscall(SYS_brk, addr);
}

static void test(void)
{
	unsigned long start = sys_brk(0);
	uint8_t *p = (uint8_t *)start;

	CHECK(start);
	/* Nothing here may allocate: the heap is what is being moved. */
	CHECK(sys_brk(start + STEP) == start + STEP);
	for (unsigned long i = 0; i < STEP; i++)
		CHECK(p[i] == 0);
	for (unsigned long i = 0; i < STEP; i++)
		p[i] = i * 13;
	CHECK(sys_brk(start + 2 * STEP) == start + 2 * STEP);
	for (unsigned long i = 0; i < STEP; i++)
		CHECK(p[i] == (uint8_t)(i * 13));
	/* Down to a page border and up again: what was given back is zero. */
	unsigned long low = (start + STEP / 2) & ~4095ul;
	CHECK(sys_brk(low) == low);
	CHECK(sys_brk(start + STEP) == start + STEP);
	for (unsigned long i = low - start; i < STEP; i++)
		CHECK(p[i] == 0);
	CHECK(p[1] == 13);
	/* An impossible break leaves it as it is. */
	CHECK(sys_brk(~0ul - 4095) == start + STEP);
	CHECK(sys_brk(start) == start);
	printf("brk ok\n");
}
