/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that measures its own forwarded calls. Each line on stdin, `getppid COUNT` or `pread
 * COUNT`, is answered by the mean us of one such call. The argument is the file to read from.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 64

static int file;

static void one_getppid(unsigned i)
{
	(void)i;
	getppid();
}

static void one_pread(unsigned i)
{
	static char block[BLOCK];

	if (pread(file, block, BLOCK, i % BLOCKS * (off_t)BLOCK) != BLOCK)
		err(1, "pread");
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*call)(unsigned i);
	} calls[] = { { "getppid", one_getppid }, { "pread", one_pread } };
	char line[64], name[16];
	unsigned count;

	if (argc != 2 || (file = open(argv[1], O_RDONLY)) < 0)
		err(2, "usage: calls FILE");
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) && sscanf(line, "%15s %u", name, &count) == 2)
		for (unsigned c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
			double start;

			if (strcmp(calls[c].name, name))
				continue;
			calls[c].call(0);
			start = now();
			for (unsigned i = 0; i < count; i++)
				calls[c].call(i);
			printf("%.2f\n", (now() - start) * 1e6 / count);
		}
	return 0;
}
