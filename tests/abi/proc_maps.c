/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/self/maps tells all mappings of the program, and no others; however it is read. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "tests/abi/abi.h"

struct map {
	uintptr_t start, end;
	char rights[5];
	char name[64];
};

static struct map maps[256];
static int count;

static void parse(char *text)
{
	count = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		struct map *m = &maps[count++];

		m->name[0] = 0;
		CHECK(count < 256 && sscanf(line, "%lx-%lx %4s %*s %*s %*s %63s", &m->start, &m->end, m->rights, m->name) >= 3);
	}
}

/* In steps of that size: lines are cut anywhere. */
static char *slurp(size_t step, int how)
{
	static char text[1 << 16];
	int fd = open("/proc/self/maps", O_RDONLY);
	struct iovec iov[2];
	size_t n = 0;
	ssize_t got;

	CHECK(fd >= 0);
	do {
		iov[0] = (struct iovec){ text + n, step / 2 };
		iov[1] = (struct iovec){ text + n + step / 2, step - step / 2 };
		got = how == 0 ? read(fd, text + n, step) : how == 1 ? pread(fd, text + n, step, n) : readv(fd, iov, 2);
		CHECK(got >= 0);
		n += got;
		CHECK(n + step < sizeof(text));
	} while (got);
	CHECK(how == 1 || lseek(fd, 0, SEEK_CUR) == (off_t)n);
	text[n] = 0;
	close(fd);
	return text;
}

static const struct map *at(const void *p)
{
	for (int i = 0; i < count; i++)
		if (maps[i].start <= (uintptr_t)p && (uintptr_t)p < maps[i].end)
			return &maps[i];
	return NULL;
}

static int unknown(void)
{
	int n = 0;

	for (int i = 0; i < count; i++)
		n += !maps[i].name[0];
	return n;
}

static void test(void)
{
	char *p = mmap(NULL, 0x30000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *one;
	int file = open("/proc/self/exe", O_RDONLY), before;
	void *m, *stack;
	size_t size;
	pthread_attr_t attr;
	char big[64];

	CHECK(p != MAP_FAILED && !mprotect(p + 0x10000, 0x10000, PROT_NONE) && !mprotect(p + 0x20000, 0x10000, PROT_READ));
	m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	parse(slurp(4096, 0));
	CHECK(at(p) && !strcmp(at(p)->rights, "rw-p") && at(p + 0x10000)->start == (uintptr_t)p + 0x10000);
	CHECK(!strcmp(at(p + 0x18000)->rights, "---p") && at(p + 0x18000)->end == (uintptr_t)p + 0x20000);
	CHECK(!strcmp(at(p + 0x20000)->rights, "r--p"));
	CHECK(strstr(at(m)->name, "proc_maps") && strstr(at((void *)test)->name, "proc_maps"));
	CHECK(!strcmp(at(big)->name, "[stack]") && strstr(at(printf)->name, "libc") && !strcmp(at(sbrk(0) - 1)->name, "[heap]"));
	for (int i = 0; i < count; i++)
		CHECK(i == 0 || maps[i].start >= maps[i - 1].end);
	before = unknown();
	printf("%d mappings, %d without a name\n", count, before);
	one = strdup(slurp(4096, 0));
	CHECK(!strcmp(one, slurp(1024, 0)) && !strcmp(one, slurp(100, 1)) && !strcmp(one, slurp(1024, 2)));
	free(one);
	CHECK(!munmap(p, 0x30000) && !munmap(m, 4096));
	parse(slurp(4096, 0));
	CHECK(!at(p) && !at(m) && unknown() == before - 3);
	/* How glibc finds the main thread's stack. */
	CHECK(!pthread_getattr_np(pthread_self(), &attr) && !pthread_attr_getstack(&attr, &stack, &size));
	CHECK((char *)stack <= big && big < (char *)stack + size);
	pthread_attr_destroy(&attr);
	close(file);
}
