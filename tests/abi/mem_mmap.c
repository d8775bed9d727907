/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anonymous mappings: zeroed, holes by munmap, access by mprotect, what is unmapped is gone. */
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul
#define PAGES 64

static void test(void)
{
	uint8_t *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < PAGES * PAGE; i++)
		CHECK(p[i] == 0);
	for (unsigned i = 0; i < PAGES; i++)
		p[i * PAGE] = i + 1;
	/* Every third page goes; the others stay. */
	for (unsigned i = 0; i < PAGES; i += 3)
		CHECK(munmap(p + i * PAGE, PAGE) == 0);
	for (unsigned i = 0; i < PAGES; i++)
		if (i % 3 && p[i * PAGE] != i + 1) {
			printf("page %u holds %u\n", i, p[i * PAGE]);
			CHECK(!"a page kept its content");
		}
	/* A hole can be filled again, with zeros. */
	for (unsigned i = 0; i < PAGES; i += 3) {
		CHECK(mmap(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + i * PAGE);
		CHECK(p[i * PAGE] == 0);
	}
	/* Read-only, then writable again: the content stays. */
	CHECK(mprotect(p, PAGES * PAGE, PROT_READ) == 0);
	CHECK(p[PAGE] == 2);
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	p[PAGE] = 77;
	CHECK(p[PAGE] == 77 && p[2 * PAGE] == 3);
	/* An unmapped range cannot be protected; an empty one cannot be unmapped or mapped. */
	CHECK(munmap(p, 4 * PAGE) == 0);
	CHECK(munmap(p, 4 * PAGE) == 0);
	CHECK_FAILS(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK_FAILS((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_FAILS(munmap(p, 0), EINVAL);
	CHECK_FAILS(munmap(p + 1, PAGE), EINVAL);
	CHECK_FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0), EBADF);
	CHECK(munmap(p, PAGES * PAGE) == 0);
	printf("mappings ok\n");
}
