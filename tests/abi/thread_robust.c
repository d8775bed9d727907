/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Robust mutexes: who waits for a thread that ended is told, and may repair what it left. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "tests/abi/abi.h"

#define MUTEXES 5

static pthread_mutex_t m[MUTEXES];
static sem_t locked;

static void *dies(void *arg)
{
	for (int i = 0; i < MUTEXES; i++)
		CHECK(!pthread_mutex_lock(&m[i]));
	pthread_mutex_unlock(&m[2]);
	sem_post(&locked);
	if (arg) {
		struct timespec ts = { 0, 20000000 };

		nanosleep(&ts, NULL);
	}
	return arg;
}

static void *waits(void *arg)
{
	int i = (intptr_t)arg;

	return (void *)(intptr_t)pthread_mutex_lock(&m[i]);
}

static void test(void)
{
	pthread_mutexattr_t attr;
	pthread_t t, w;
	void *result;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (int i = 0; i < MUTEXES; i++)
		CHECK(!pthread_mutex_init(&m[i], &attr));

	CHECK(!pthread_create(&t, NULL, dies, NULL) && !pthread_join(t, NULL));
	CHECK(pthread_mutex_lock(&m[0]) == EOWNERDEAD);
	CHECK(!pthread_mutex_consistent(&m[0]) && !pthread_mutex_unlock(&m[0]));
	CHECK(!pthread_mutex_lock(&m[0]) && !pthread_mutex_unlock(&m[0]));
	CHECK(pthread_mutex_trylock(&m[1]) == EOWNERDEAD && !pthread_mutex_unlock(&m[1]));
	CHECK(pthread_mutex_lock(&m[1]) == ENOTRECOVERABLE);
	CHECK(!pthread_mutex_lock(&m[2]) && !pthread_mutex_unlock(&m[2]));
	for (int i = 3; i < MUTEXES; i++)
		CHECK(pthread_mutex_lock(&m[i]) == EOWNERDEAD && !pthread_mutex_consistent(&m[i]) &&
		      !pthread_mutex_unlock(&m[i]));
	pthread_mutex_destroy(&m[1]);
	CHECK(!pthread_mutex_init(&m[1], &attr));

	/* Somebody waits for it at that moment, or soon. */
	CHECK(!sem_init(&locked, 0, 0) && !pthread_create(&t, NULL, dies, (void *)1));
	CHECK(!sem_wait(&locked) && !pthread_create(&w, NULL, waits, (void *)4));
	CHECK(!pthread_join(t, NULL) && !pthread_join(w, &result) && result == (void *)EOWNERDEAD);
	for (int i = 0; i < MUTEXES; i++)
		pthread_mutex_destroy(&m[i]);
	printf("robust ok\n");
}
