/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mincore: what was touched is there, what was not is not. */
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define P 4096ul

static void test(void)
{
	char *p = mmap(NULL, 16 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *f;
	unsigned char v[17];
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(p != MAP_FAILED && fd >= 0);
	for (int i = 0; i < 16; i += 3)
		p[i * P] = 1;
	memset(v, 0x77, sizeof(v));
	CHECK(!mincore(p, 16 * P, v) && v[16] == 0x77);
	for (int i = 0; i < 16; i++)
		printf("%d", v[i] & 1);
	CHECK(!madvise(p, 3 * P, MADV_DONTNEED) && !mincore(p, 1, v) && !(v[0] & 1));
	CHECK(!munmap(p + 8 * P, P));
	CHECK_FAILS(mincore(p, 16 * P, v), ENOMEM);
	CHECK_FAILS(mincore(p + 1, P, v), EINVAL);
	CHECK_FAILS(mincore(p, P, (void *)16), EFAULT);
	CHECK(mincore(p, 0, v) == 0);
	CHECK(!ftruncate(fd, 4 * P) && pwrite(fd, "x", 1, 3 * P) == 1);
	f = mmap(NULL, 4 * P, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(f != MAP_FAILED && f[3 * P] == 'x' && !mincore(f + 3 * P, P, v) && (v[0] & 1));
	munmap(f, 4 * P);
	munmap(p, 16 * P);
	close(fd);
	unlink("f");
	printf(" mincore ok\n");
}
