/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many threads in blocking calls at once: each gets what is meant for it, in whatever order it comes. */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "tests/abi/abi.h"

#define THREADS 8

static int in[THREADS][2], out[THREADS][2];

/* Answers each byte by the next one; a zero ends it. */
static void *echo(void *arg)
{
	unsigned me = (uintptr_t)arg;
	struct pollfd pfd = { .fd = in[me][0], .events = POLLIN };
	unsigned char c;

	for (;;) {
		if (me % 3 == 1)
			while (poll(&pfd, 1, -1) != 1)
				CHECK(errno == EINTR);
		CHECK((me % 3 == 2 ? recv(in[me][0], &c, 1, 0) : read(in[me][0], &c, 1)) == 1);
		if (!c)
			return (void *)(uintptr_t)(me + 50);
		c++;
		CHECK(write(out[me][1], &c, 1) == 1);
	}
}

static void test(void)
{
	uint64_t state = 4711;
	pthread_t t[THREADS];
	unsigned char c;
	void *result;

	for (uintptr_t i = 0; i < THREADS; i++) {
		CHECK(!(i % 3 == 2 ? socketpair(AF_UNIX, SOCK_STREAM, 0, in[i]) : pipe(in[i])));
		CHECK(!pipe(out[i]));
		CHECK(!pthread_create(&t[i], NULL, echo, (void *)i));
	}
	for (int round = 0; round < 30; round++) {
		unsigned a = rnd(&state) % THREADS, b = (a + 1 + rnd(&state) % 7) % THREADS;

		c = 1 + round;
		CHECK(write(in[a][1], &c, 1) == 1 && write(in[b][1], &c, 1) == 1);
		CHECK(read(out[b][0], &c, 1) == 1 && c == 2 + round);
		CHECK(read(out[a][0], &c, 1) == 1 && c == 2 + round);
	}
	for (int i = THREADS - 1; i >= 0; i--) {
		CHECK(write(in[i][1], "", 1) == 1);
		CHECK(!pthread_join(t[i], &result) && (uintptr_t)result == i + 50u);
		for (int k = 0; k < 2; k++) {
			close(in[i][k]);
			close(out[i][k]);
		}
	}
	printf("echoes ok\n");
}
