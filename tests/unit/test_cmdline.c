/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form of a command line: words, values, numbers; and random lines, each cut as strtok() cuts it.
 * Sources: kernel/cmdline.c
 */
#include "kernel/cmdline.h"
#include "tests/unit/unit.h"

static void is(const struct cmdline_word *w, const char *key, const char *value)
{
	CHECK(w->key_len == strlen(key) && memcmp(w->text, key, w->key_len) == 0);
	CHECK(w->value_len == strlen(value) && memcmp(w->value, value, w->value_len) == 0);
}

TEST(words_and_values)
{
	const char *at = " ip=10.0.0.1/24  bare\tx=a=b\nname= ";
	struct cmdline_word w;

	CHECK(cmdline_next(&at, &w));
	is(&w, "ip", "10.0.0.1/24");
	CHECK(cmdline_next(&at, &w));
	is(&w, "bare", "");
	CHECK(cmdline_next(&at, &w));
	is(&w, "x", "a=b");
	CHECK(cmdline_next(&at, &w));
	is(&w, "name", "");
	CHECK(!cmdline_next(&at, &w));
	CHECK(!cmdline_next(&at, &w));
	at = "";
	CHECK(!cmdline_next(&at, &w));
}

TEST(numbers)
{
	static const struct {
		const char *text;
		uint64_t n;
	} good[] = { { "64M", 64ull << 20 }, { "0x10", 16 },  { "2K", 2048 },
		     { "1G", 1ull << 30 },   { "0", 0 },      { "7", 7 },
		     { "3g", 3ull << 30 },   { "0x1fk", 31744 } };
	static const char *const bad[] = { "", "zzz", "-1", "+1", " 1", "1 ", "1MB", "1T", "0x", "99999999999G" };
	uint64_t n;

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(cmdline_number(good[i].text, &n));
		CHECK_EQ(n, good[i].n);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (cmdline_number(bad[i], &n)) {
			printf("FAIL: \"%s\" is taken for a number\n", bad[i]);
			exit(1);
		}
}

TEST(random_lines)
{
	static const char letters[] = "ab=  \tz1\x80=";

	srand(1);
	for (int round = 0; round < 3000; round++) {
		unsigned len = rand() % 200;
		char *line = malloc(len + 1), *copy;
		struct cmdline_word w;
		const char *at = line;

		for (unsigned i = 0; i < len; i++)
			line[i] = letters[rand() % (sizeof(letters) - 1)];
		line[len] = '\0';
		copy = strdup(line);
		for (char *word = strtok(copy, " \t"); word; word = strtok(NULL, " \t")) {
			CHECK(cmdline_next(&at, &w));
			CHECK(w.len == strlen(word) && memcmp(w.text, word, w.len) == 0);
			CHECK_EQ(w.key_len, strcspn(word, "="));
		}
		CHECK(!cmdline_next(&at, &w));
		free(copy);
		free(line);
	}
}
