/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the programs here: each shows one behaviour of Linux, checks itself, and prints the same on every
 * run (no addresses, pids or times). Linux itself is the oracle: tests/run.py compares a run at home
 * with one on a node, and with one that is moved while it runs.
 *
 * A program defines test(), which is run ABI_ROUNDS times (1 if unset) with a little computation in
 * between, so that moves meet it everywhere; or ABI_OWN_MAIN and a main of its own. It runs in an empty
 * folder of its own, and may leave files there: they are compared too.
 */
#ifndef TESTS_ABI_ABI_H
#define TESTS_ABI_ABI_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHECK(expr)                                                                            \
	do {                                                                                   \
		if (!(expr)) {                                                                 \
			int errno_ = errno;                                                    \
			printf("FAIL %s:%d: %s (errno %d, %s)\n", __FILE__, __LINE__, #expr,   \
			       errno_, strerror(errno_));                                      \
			fflush(stdout);                                                        \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

/* The call fails, and with this errno. */
#define CHECK_FAILS(expr, error)                                                               \
	do {                                                                                   \
		errno = 0;                                                                     \
		long long result_ = (long long)(expr);                                         \
		if (result_ != -1 || errno != (error)) {                                       \
			printf("FAIL %s:%d: %s gave %lld, errno %d (%s), not %s\n", __FILE__,  \
			       __LINE__, #expr, result_, errno, strerror(errno), #error);      \
			fflush(stdout);                                                        \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

/* A generator of our own: the same numbers everywhere. */
static inline uint32_t rnd(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 32;
}

/* FNV-1a: what was computed, in one number. */
static inline uint64_t hash(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!h)
		h = 14695981039346656037ull;
	while (len--)
		h = (h ^ *p++) * 1099511628211ull;
	return h;
}

static inline unsigned abi_rounds(void)
{
	const char *env = getenv("ABI_ROUNDS");

	return env ? atoi(env) : 1;
}

#ifndef ABI_OWN_MAIN
static void test(void);

/* Some milliseconds that the compiler cannot take away. */
static inline uint64_t compute(unsigned round)
{
	uint64_t state = round + 1, sum = 0;

	for (int i = 0; i < 2000000; i++)
		sum += rnd(&state);
	return sum;
}

int main(void)
{
	unsigned rounds = abi_rounds();
	uint64_t sum = 0;

	for (unsigned i = 0; i < rounds; i++) {
		if (i)
			sum += compute(i);
		test();
	}
	printf("computed %016llx\n", (unsigned long long)sum);
	return 0;
}
#endif

#endif
