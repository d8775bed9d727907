/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files in memory: private copies stay private, shared ones reach the file. */
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul

static void test(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char text[3 * PAGE], back[16];
	char *priv, *ro, *shared;

	CHECK(fd >= 0);
	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = 'a' + i % 26;
	CHECK(write(fd, text, sizeof(text)) == sizeof(text));
	ro = mmap(NULL, 3 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	priv = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	CHECK(ro != MAP_FAILED && priv != MAP_FAILED);
	CHECK(!memcmp(ro, text, sizeof(text)));
	CHECK(!memcmp(priv, text + PAGE, 2 * PAGE));
	memcpy(priv + 10, "PRIVATE", 7);
	CHECK(pread(fd, back, 7, PAGE + 10) == 7);
	CHECK(!memcmp(back, text + PAGE + 10, 7));
	CHECK(!memcmp(ro + PAGE, text + PAGE, PAGE));
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(shared != MAP_FAILED);
	memcpy(shared + 20, "SHARED", 6);
	CHECK(pread(fd, back, 6, 20) == 6 && !memcmp(back, "SHARED", 6));
	CHECK(!msync(shared, PAGE, MS_SYNC));
	CHECK(!munmap(shared, PAGE));
	CHECK(!memcmp(priv + 10, "PRIVATE", 7));
	CHECK(!munmap(ro, 3 * PAGE) && !munmap(priv, 2 * PAGE) && !close(fd));
	printf("file mappings ok\n");
}
