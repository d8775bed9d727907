/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computation with checkpoints in a file: the program that moving is for. */
#include <fcntl.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

#define N 1500000

int main(void)
{
	static uint8_t composite[N];
	static uint32_t table[1 << 16];
	uint64_t state = 3, h = 0;
	unsigned primes = 0;
	FILE *f = fopen("checkpoints", "w");

	CHECK(f);
	for (int round = 0; round < 8 + (int)abi_rounds(); round++) {
		memset(composite, 0, N);
		primes = 0;
		for (unsigned i = 2; i < N; i++) {
			if (composite[i])
				continue;
			primes++;
			for (uint64_t j = (uint64_t)i * i; j < N; j += i)
				composite[j] = 1;
		}
		for (int i = 0; i < 1000000; i++) {
			uint32_t r = rnd(&state);

			table[r & 0xffff] = table[r >> 16] * 5 + r;
		}
		h = hash(h, table, sizeof(table));
		fprintf(f, "round %d: %u primes, %016llx\n", round, primes, (unsigned long long)h);
		fflush(f);
	}
	fclose(f);
	printf("%u primes, %016llx\n", primes, (unsigned long long)h);
	return 0;
}
