/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cancelling threads where they wait, where they compute, and where they do not want it. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "tests/abi/abi.h"

static sem_t ready;
static int p[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned cleaned;

static void clean(void *arg)
{
	(void)arg;
	__atomic_add_fetch(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void unlock(void *arg)
{
	pthread_mutex_unlock(arg);
	cleaned++;
}

static void *in_read(void *arg)
{
	char c;

	pthread_cleanup_push(clean, NULL);
	sem_post(&ready);
	(void)!read(p[0], &c, 1);
	CHECK(!"read returned");
	pthread_cleanup_pop(1);
	return arg;
}

static void *in_wait(void *arg)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	sem_post(&ready);
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(1);
	return arg;
}

static void *in_poll(void *arg)
{
	struct pollfd pfd = { .fd = p[0], .events = POLLIN };

	pthread_cleanup_push(clean, NULL);
	sem_post(&ready);
	poll(&pfd, 1, -1);
	CHECK(!"poll returned");
	pthread_cleanup_pop(1);
	return arg;
}

static void *in_sleep(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	sem_post(&ready);
	sleep(3600);
	CHECK(!"sleep returned");
	pthread_cleanup_pop(1);
	return arg;
}

static void *computing(void *arg)
{
	volatile uint64_t n = 0;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cleanup_push(clean, NULL);
	sem_post(&ready);
	for (;;)
		n++;
	pthread_cleanup_pop(1);
	return arg;
}

static void *unwilling(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	sem_post(&ready);
	for (int i = 0; i < 5; i++) {
		struct timespec ts = { 0, 1000000 };

		nanosleep(&ts, NULL);
		pthread_testcancel();
	}
	return arg;
}

static void test(void)
{
	static void *(*const fn[])(void *) = { in_read, in_wait, in_poll, in_sleep, computing };
	pthread_t t;
	void *result;

	cleaned = 0;
	CHECK(!sem_init(&ready, 0, 0) && !pipe(p));
	for (unsigned i = 0; i < sizeof(fn) / sizeof(fn[0]); i++) {
		CHECK(!pthread_create(&t, NULL, fn[i], NULL));
		CHECK(!sem_wait(&ready) && !pthread_cancel(t));
		CHECK(!pthread_join(t, &result) && result == PTHREAD_CANCELED);
		CHECK(cleaned == i + 1);
	}
	CHECK(!pthread_mutex_trylock(&mutex) && !pthread_mutex_unlock(&mutex));
	CHECK(!pthread_create(&t, NULL, unwilling, p));
	CHECK(!sem_wait(&ready) && !pthread_cancel(t));
	CHECK(!pthread_join(t, &result) && result == p);
	close(p[0]);
	close(p[1]);
	sem_destroy(&ready);
	printf("%u cancelled\n", cleaned);
}
