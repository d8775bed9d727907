/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written to a file shows in its mappings at once. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void test(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), p[2];
	volatile char *s, *v;
	int status;
	pid_t pid;

	CHECK(fd >= 0 && !ftruncate(fd, 3 * 4096) && pwrite(fd, "old", 3, 0) == 3 && pwrite(fd, "old", 3, 4096) == 3);
	s = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED, fd, 0);
	v = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(s != MAP_FAILED && v != MAP_FAILED && s[0] == 'o' && v[0] == 'o' && s[4096] == 'o' && !s[8192]);
	CHECK(pwrite(fd, "new", 3, 0) == 3 && s[0] == 'n' && v[0] == 'n');
	v[4096] = 'm';
	CHECK(lseek(fd, 4096, SEEK_SET) == 4096 && write(fd, "new", 3) == 3 && s[4096] == 'n' && v[4096] == 'm' && v[4097] == 'l');
	CHECK(!pipe(p) && write(p[1], "pipe", 4) == 4);
	CHECK(splice(p[0], NULL, fd, &(loff_t){ 8192 }, 4, 0) == 4 && s[8192] == 'p' && v[8192] == 'p');
	munmap((void *)s, 3 * 4096);
	/* With a private mapping alone, and by another process. */
	CHECK(pwrite(fd, "two", 3, 0) == 3 && v[0] == 't' && v[4096] == 'm');
	pid = fork();
	if (!pid)
		_exit(pwrite(fd, "kid", 3, 0) == 3 && v[0] == 'k' ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && !status && v[0] == 'k' && v[4096] == 'm');
	munmap((void *)v, 3 * 4096);
	close(fd);
	close(p[0]);
	close(p[1]);
	unlink("f");
	printf("mappings ok\n");
}
