/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thousand threads that wait for the same moment. */
#include <pthread.h>

#include "tests/abi/abi.h"

#define MANY 1000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t come = PTHREAD_COND_INITIALIZER, go = PTHREAD_COND_INITIALIZER;
static unsigned here, gone;
static int open_now;

static void *waits(void *arg)
{
	pthread_mutex_lock(&mutex);
	here++;
	pthread_cond_signal(&come);
	while (!open_now)
		pthread_cond_wait(&go, &mutex);
	gone++;
	pthread_mutex_unlock(&mutex);
	return arg;
}

static void test(void)
{
	unsigned many = abi_rounds() > 1 ? 100 : MANY;
	static pthread_t t[MANY];
	pthread_attr_t attr;

	here = gone = open_now = 0;
	CHECK(!pthread_attr_init(&attr) && !pthread_attr_setstacksize(&attr, 65536));
	for (unsigned i = 0; i < many; i++)
		CHECK(!pthread_create(&t[i], &attr, waits, NULL));
	pthread_mutex_lock(&mutex);
	while (here < many)
		pthread_cond_wait(&come, &mutex);
	CHECK(!gone);
	open_now = 1;
	pthread_cond_broadcast(&go);
	pthread_mutex_unlock(&mutex);
	for (unsigned i = 0; i < many; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(gone == many);
	pthread_attr_destroy(&attr);
	printf("all came and went\n");
}
