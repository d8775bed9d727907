/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack grows by itself, deep and in big steps, and keeps what was put there. */
#include <alloca.h>

#include "tests/abi/abi.h"

static unsigned __attribute__((noinline)) deep(unsigned n)
{
	volatile uint8_t frame[600];
	unsigned below;

	for (unsigned i = 0; i < sizeof(frame); i += 37)
		frame[i] = n + i;
	below = n ? deep(n - 1) : 0;
	for (unsigned i = 0; i < sizeof(frame); i += 37)
		CHECK(frame[i] == (uint8_t)(n + i));
	return below + n;
}

static void __attribute__((noinline)) wide(size_t size)
{
	volatile uint8_t *p = alloca(size);

	/* From the far end: the stack must grow over the distance at once. */
	p[0] = 1;
	for (size_t i = 0; i < size; i += 4096)
		p[i] = i / 4096;
	for (size_t i = 0; i < size; i += 4096)
		CHECK(p[i] == (uint8_t)(i / 4096));
}

static void test(void)
{
	printf("deep %u\n", deep(5000));
	wide(100000);
	wide(4 << 20);
	printf("wide ok\n");
}
