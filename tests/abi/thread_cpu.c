/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads and processors: where they run, who else does, their own clocks, yielding. */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 3

static volatile unsigned turn;
static volatile int stop;
static uint64_t sink;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	CHECK(!clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static void *rounds(void *arg)
{
	unsigned me = (uintptr_t)arg;

	for (int i = 0; i < 100; i++) {
		while (turn % THREADS != me)
			sched_yield();
		__atomic_add_fetch(&turn, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void *burn(void *arg)
{
	int64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID), last = begin, now;
	uint64_t state = 1;
	unsigned cpu, node;

	do {
		for (int i = 0; i < 20000; i++)
			sink += rnd(&state);
		CHECK(!getcpu(&cpu, &node) && cpu < 1024 && sched_getcpu() >= 0);
		now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		CHECK(abi_rounds() > 1 || now >= last);
		last = now;
	} while (!stop);
	return arg;
}

static void test(void)
{
	pthread_t t[THREADS];
	cpu_set_t set, one;
	int cpu;

	turn = stop = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, rounds, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(turn == 100 * THREADS);

	/* One that computes does not keep the others from doing so, wherever they are. */
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, burn, NULL));
	for (uint64_t i = 0, state = 1; i < 3000000; i++)
		sink += rnd(&state);
	CHECK(!pthread_getaffinity_np(t[0], sizeof(set), &set) && CPU_COUNT(&set) >= 1);
	for (cpu = 0; !CPU_ISSET(cpu, &set); cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK(!pthread_setaffinity_np(t[0], sizeof(one), &one));
	CHECK(!pthread_getaffinity_np(t[0], sizeof(one), &one) && CPU_COUNT(&one) == 1);
	CHECK(!pthread_getaffinity_np(t[1], sizeof(one), &one) && CPU_EQUAL(&one, &set));
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	printf("%u turns\n", turn);
}
