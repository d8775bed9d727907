/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's command line: words, values, the last one wins, sizes; and random lines, whose every
 * word must be found again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cmdline.c"

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static void is(const char *key, const char *want)
{
	const char *got = cmdline_get(key);

	if ((got == NULL) != (want == NULL) || (got && strcmp(got, want) != 0)) {
		printf("FAIL %s: got %s, want %s\n", key, got ? got : "nothing", want ? want : "nothing");
		exit(1);
	}
}

static void test_words(void)
{
	cmdline_init("/boot/muster.elf ip=10.0.0.1/24  bare gw=10.0.0.254\tname= x=a=b bare2 name=last");
	is("ip", "10.0.0.1/24");
	is("bare", "");
	is("bare2", "");
	is("gw", "10.0.0.254");
	is("x", "a=b");
	is("name", "last");
	is("nam", NULL);
	is("/boot/muster.elf", "");
	cmdline_init("a b c");
	is("a", "");
	is("b", "");
	is("c", "");
	cmdline_init("");
	is("a", NULL);
	is("", NULL);
	cmdline_init(NULL);
	is("a", NULL);
	cmdline_init("   end=1   ");
	is("end", "1");
}

static void test_numbers(void)
{
	cmdline_init("mem=64M a=0x10 b=2K c=1G d=zzz e= f");
	CHECK(cmdline_get_u64("mem", 1) == 64ull << 20);
	CHECK(cmdline_get_u64("a", 1) == 16);
	CHECK(cmdline_get_u64("b", 1) == 2048);
	CHECK(cmdline_get_u64("c", 1) == 1ull << 30);
	CHECK(cmdline_get_u64("d", 7) == 7);
	CHECK(cmdline_get_u64("e", 7) == 7);
	CHECK(cmdline_get_u64("f", 7) == 7);
	CHECK(cmdline_get_u64("g", 7) == 7);
}

/* Anything, also far too long: no access outside, and the words of the part that fits are there. */
static void test_random(unsigned seed)
{
	static const char letters[] = "ab=  \tz1\x80=";
	char line[3 * LINE_MAX_LEN];

	srand(seed);
	for (int round = 0; round < 3000; round++) {
		unsigned len = rand() % (round % 10 ? 60 : sizeof(line) - 1);

		for (unsigned i = 0; i < len; i++)
			line[i] = letters[rand() % (sizeof(letters) - 1)];
		line[len] = '\0';
		cmdline_init(line);
		is("nothing like that", NULL);
		if (len >= LINE_MAX_LEN - 2)
			continue;
		for (char *word = strtok(line, " \t"); word; word = strtok(NULL, " \t")) {
			char *equals = strchr(word, '=');

			if (equals)
				*equals = '\0';
			CHECK(cmdline_get(word) != NULL);
		}
	}
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	cmdline_init(line);
}

int main(void)
{
	test_words();
	test_numbers();
	test_random(1);
	printf("ok\n");
	return 0;
}
