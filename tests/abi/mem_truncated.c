/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mapped file that is cut short: what lay beyond its new end is a bus error, also if it was read before. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define PAGE 4096ul

static sigjmp_buf out;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

static void test(void)
{
	int fd = open("cut", O_RDWR | O_CREAT | O_TRUNC, 0644);
	char text[3 * PAGE], *map;

	memset(text, 't', sizeof(text));
	CHECK(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text));
	map = mmap(NULL, 5 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED && map[0] == 't' && map[2 * PAGE] == 't');
	signal(SIGBUS, jump);
	if (!sigsetjmp(out, 1)) {
		(void)*(volatile char *)(map + 4 * PAGE);
		CHECK(!"reached");
	}
	CHECK(!ftruncate(fd, PAGE));
	CHECK(map[PAGE - 1] == 't');
	if (!sigsetjmp(out, 1)) {
		(void)*(volatile char *)(map + 2 * PAGE);
		CHECK(!"reached");
	}
	signal(SIGBUS, SIG_DFL);
	CHECK(!munmap(map, 5 * PAGE) && !close(fd));
	printf("truncated ok\n");
}
