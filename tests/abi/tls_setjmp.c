/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thread-local data, errno, and jumps back over calls with the registers they promise. */
#include <setjmp.h>

#include "tests/abi/abi.h"

static __thread int counter = 100;
static __thread char text[64] = "thread-local";
static jmp_buf env;

static void __attribute__((noinline)) throw_up(int depth)
{
	volatile char pad[500];

	pad[0] = depth;
	if (depth == 0)
		longjmp(env, 33);
	throw_up(depth - 1);
	pad[1] = pad[0];
}

static void test(void)
{
	volatile int kept = 1;
	int got;

	counter++;
	CHECK(!strcmp(text, "thread-local"));
	for (int i = 0; i < 50; i++) {
		got = setjmp(env);
		if (!got) {
			kept = i;
			throw_up(i);
		}
		CHECK(got == 33 && kept == i);
	}
	errno = 7;
	CHECK(getpid() > 0 && errno == 7);
	printf("tls %d\n", counter);
}
