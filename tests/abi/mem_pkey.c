/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protection keys: as many as home gives, if it has any; a wrong one is refused. */
#include <sys/mman.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int key = pkey_alloc(0, 0);
	uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	if (key >= 0) {
		CHECK(!pkey_mprotect(p, 4096, PROT_READ | PROT_WRITE, key));
		p[0] = 1;
		CHECK(!pkey_free(key));
	} else {
		printf("no keys: errno %d\n", errno);
	}
	CHECK_FAILS(pkey_alloc(1, 0), EINVAL);
	CHECK_FAILS(pkey_free(77), EINVAL);
	CHECK(!pkey_mprotect(p, 4096, PROT_READ, -1));
	CHECK(!munmap(p, 4096));
	puts("keys are as at home");
}
