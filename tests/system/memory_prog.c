/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes what a node has: page tables, descriptions of mappings, children, pages; one kind a run. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int tables(void)
{
	const size_t span = 2u << 20, n = 20000;
	volatile char *p = mmap(NULL, span * n, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long sum = 0;

	if (p == MAP_FAILED)
		return puts("no room"), 1;
	for (size_t i = 0; i < n; i++)
		sum += p[i * span];
	printf("tables %ld\n", sum);
	return 0;
}

static int maps(void)
{
	const size_t n = 60000;
	char *p = mmap(NULL, n * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int bad = p == MAP_FAILED;

	for (size_t i = 1; !bad && i < n; i += 2)
		bad += mprotect(p + i * 4096, 4096, PROT_NONE) != 0;
	printf("maps %d\n", bad);
	return 0;
}

static int children(void)
{
	int n, reaped = 0;
	pid_t pid[1000];

	for (n = 0; n < 1000; n++) {
		pid[n] = fork();
		if (pid[n] < 0)
			break;
		if (!pid[n]) {
			pause();
			_exit(1);
		}
	}
	for (int i = 0; i < n; i++)
		kill(pid[i], SIGKILL);
	while (wait(NULL) > 0)
		reaped++;
	printf("children %d %d\n", n, reaped);
	return 0;
}

static int pages(void)
{
	size_t len = 150u << 20;
	unsigned char *p = malloc(len);
	unsigned long sum = 0;

	if (!p)
		return puts("no room"), 1;
	for (size_t i = 0; i < len; i += 4096)
		p[i] = i >> 12;
	for (size_t i = 0; i < len; i += 4096)
		sum += p[i];
	printf("pages %lu\n", sum);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} kinds[] = { { "tables", tables }, { "maps", maps }, { "children", children }, { "pages", pages } };

	for (unsigned i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			return kinds[i].fn();
	return 2;
}
