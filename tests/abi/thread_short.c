/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thousands of short threads, joined and detached: each runs exactly once, and leaves nothing. */
#include <pthread.h>
#include <semaphore.h>

#include "tests/abi/abi.h"

static unsigned ran;
static sem_t done;

static void *brief(void *arg)
{
	__atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void *detached(void *arg)
{
	brief(NULL);
	sem_post(arg);
	return NULL;
}

static void test(void)
{
	unsigned many = abi_rounds() > 1 ? 150 : 3000;
	pthread_attr_t attr;
	pthread_t t[8];
	void *result;

	ran = 0;
	CHECK(!sem_init(&done, 0, 0) && !pthread_attr_init(&attr));
	CHECK(!pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED));
	for (unsigned i = 0; i < many; i += 10) {
		for (int j = 0; j < 8; j++)
			CHECK(!pthread_create(&t[j], NULL, brief, &ran + j));
		for (int j = 0; j < 8; j++)
			CHECK(!pthread_join(t[j], &result) && result == &ran + j);
		for (int j = 0; j < 2; j++)
			CHECK(!pthread_create(&t[j], &attr, detached, &done));
		for (int j = 0; j < 2; j++)
			CHECK(!sem_wait(&done));
	}
	CHECK(ran == many);
	pthread_attr_destroy(&attr);
	printf("all ran\n");
}
