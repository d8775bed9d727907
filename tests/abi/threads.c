/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads: mutex, condition, join, thread-local data, cancellation; right wherever they may run. */
#include <pthread.h>
#include <semaphore.h>

#include "tests/abi/abi.h"

#define THREADS 6
#define TURNS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t sem;
static __thread unsigned mine;
static unsigned total, turn;

static void *work(void *arg)
{
	unsigned me = (uintptr_t)arg;

	for (int i = 0; i < TURNS; i++) {
		pthread_mutex_lock(&mutex);
		total++;
		pthread_mutex_unlock(&mutex);
		mine++;
	}
	pthread_mutex_lock(&mutex);
	while (turn != me)
		pthread_cond_wait(&cond, &mutex);
	turn++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	sem_post(&sem);
	CHECK(mine == TURNS);
	return (void *)(uintptr_t)(me * 3);
}

static void *forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void test(void)
{
	pthread_t t[THREADS];
	void *result;

	total = turn = 0;
	CHECK(!sem_init(&sem, 0, 0));
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)(uintptr_t)i));
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!sem_wait(&sem));
	for (unsigned i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(t[i], &result));
		CHECK((uintptr_t)result == i * 3);
	}
	CHECK(total == THREADS * TURNS && turn == THREADS && mine == 0);
	CHECK(!pthread_create(&t[0], NULL, forever, NULL) && !pthread_cancel(t[0]));
	CHECK(!pthread_join(t[0], &result) && result == PTHREAD_CANCELED);
	sem_destroy(&sem);
	printf("threads ok\n");
}
