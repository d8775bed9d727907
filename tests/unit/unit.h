/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For unit tests: a file defines tests with TEST(name) { ... } and nothing else is needed; main is
 * here, runs them in the order of the file, and prints their count. The first failing CHECK ends the
 * program with status 1. What a test needs to be linked with stands in tests/build.mk.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(expr)                                                                        \
	do {                                                                               \
		if (!(expr)) {                                                             \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr);             \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

/* Two integers; both are printed when they differ. */
#define CHECK_EQ(got, want)                                                                \
	do {                                                                               \
		intmax_t got_ = (intmax_t)(got), want_ = (intmax_t)(want);                 \
		if (got_ != want_) {                                                       \
			printf("FAIL %s:%d: %s is %" PRIdMAX ", not %" PRIdMAX " (%s)\n",  \
			       __FILE__, __LINE__, #got, got_, want_, #want);              \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

#define CHECK_STR(got, want)                                                               \
	do {                                                                               \
		const char *got_ = (got), *want_ = (want);                                 \
		if (!got_ || strcmp(got_, want_)) {                                        \
			printf("FAIL %s:%d: %s is \"%s\", not \"%s\"\n", __FILE__,         \
			       __LINE__, #got, got_ ? got_ : "(null)", want_);             \
			exit(1);                                                           \
		}                                                                          \
	} while (0)

struct unit_test {
	const char *name;
	void (*fn)(void);
	struct unit_test *next;
};

static struct unit_test *unit_first, **unit_last = &unit_first;

#define TEST(test_name)                                                                    \
	static void test_##test_name(void);                                                \
	__attribute__((constructor)) static void unit_add_##test_name(void)                \
	{                                                                                  \
		static struct unit_test t = { #test_name, test_##test_name, NULL };        \
		*unit_last = &t;                                                           \
		unit_last = &t.next;                                                       \
	}                                                                                  \
	static void test_##test_name(void)

int main(void)
{
	unsigned count = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct unit_test *t = unit_first; t; t = t->next, count++) {
		printf("%s\n", t->name);
		t->fn();
	}
	printf("%u tests passed\n", count);
	return count == 0;
}

#endif
