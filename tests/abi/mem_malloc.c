/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap: many blocks of many sizes, grown, shrunk and freed in mixed order, keep their content. */
#include "tests/abi/abi.h"

#define BLOCKS 400

static void fill(uint8_t *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		p[i] = seed + i * 7;
}

static int holds(const uint8_t *p, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] != (uint8_t)(seed + i * 7))
			return 0;
	return 1;
}

static void test(void)
{
	uint8_t *block[BLOCKS] = { NULL };
	size_t size[BLOCKS] = { 0 };
	uint64_t state = 1, h = 0;

	for (int step = 0; step < 4000; step++) {
		unsigned i = rnd(&state) % BLOCKS;
		size_t want = rnd(&state) % 10 ? rnd(&state) % 5000 : rnd(&state) % 400000;

		CHECK(!size[i] || holds(block[i], size[i], i));
		if (rnd(&state) % 3 == 0) {
			free(block[i]);
			block[i] = NULL;
			size[i] = 0;
			continue;
		}
		size_t keep = size[i] < want ? size[i] : want;
		block[i] = realloc(block[i], want + 1);
		CHECK(block[i]);
		CHECK(holds(block[i], keep, i));
		fill(block[i], want, i);
		size[i] = want;
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		h = hash(h, block[i], size[i]);
		free(block[i]);
	}
	uint8_t *zero = calloc(1000, 1000);
	for (int i = 0; i < 1000000; i++)
		CHECK(zero[i] == 0);
	free(zero);
	printf("heap %016llx\n", (unsigned long long)h);
}
