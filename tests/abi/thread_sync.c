/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers, read-write locks, conditions, semaphores, spin locks, once: nothing is lost or doubled. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 4
#define TURNS 300

static pthread_barrier_t barrier;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, recursive, checking;
static pthread_cond_t room = PTHREAD_COND_INITIALIZER, filled = PTHREAD_COND_INITIALIZER;
static pthread_once_t once;
static pthread_spinlock_t spin;
static sem_t slots;
static unsigned serial, pair[2], inits, spun, in_slots, queue[4], head, tail;
static uint64_t eaten;

static void init_once(void)
{
	inits++;
}

static void *work(void *arg)
{
	unsigned me = (uintptr_t)arg;

	pthread_once(&once, init_once);
	CHECK(inits == 1);
	for (unsigned i = 0; i < TURNS; i++) {
		if (i % 30 == 0 && pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
		if ((i + me) % 5 == 0) {
			CHECK(!pthread_rwlock_wrlock(&rw));
			pair[0]++;
			pair[1]++;
			pthread_rwlock_unlock(&rw);
		} else {
			CHECK(!pthread_rwlock_rdlock(&rw));
			CHECK(pair[0] == pair[1]);
			pthread_rwlock_unlock(&rw);
		}
		CHECK(!sem_wait(&slots));
		CHECK(__atomic_add_fetch(&in_slots, 1, __ATOMIC_SEQ_CST) <= 2);
		__atomic_sub_fetch(&in_slots, 1, __ATOMIC_SEQ_CST);
		sem_post(&slots);
		CHECK(!pthread_mutex_lock(&recursive) && !pthread_mutex_lock(&recursive));
		pthread_spin_lock(&spin);
		spun++;
		pthread_spin_unlock(&spin);
		pthread_mutex_unlock(&recursive);
		pthread_mutex_unlock(&recursive);
	}
	return NULL;
}

static void *producer(void *arg)
{
	for (unsigned i = 1; i <= TURNS; i++) {
		pthread_mutex_lock(&mutex);
		while (head - tail == 4)
			pthread_cond_wait(&room, &mutex);
		queue[head++ % 4] = i;
		pthread_cond_signal(&filled);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void *consumer(void *arg)
{
	for (unsigned i = 1; i <= TURNS; i++) {
		pthread_mutex_lock(&mutex);
		while (head == tail)
			pthread_cond_wait(&filled, &mutex);
		eaten += queue[tail++ % 4];
		pthread_cond_signal(&room);
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void *unlocker(void *arg)
{
	CHECK(pthread_mutex_unlock(&checking) == EPERM);
	CHECK(pthread_mutex_trylock(&checking) == EBUSY);
	return arg;
}

static void test(void)
{
	pthread_mutexattr_t attr;
	struct timespec ts;
	pthread_t t[THREADS];

	serial = pair[0] = pair[1] = inits = spun = head = tail = 0;
	eaten = 0;
	once = PTHREAD_ONCE_INIT;
	CHECK(!pthread_barrier_init(&barrier, NULL, THREADS) && !sem_init(&slots, 0, 2));
	CHECK(!pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&recursive, &attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&checking, &attr);

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(serial == TURNS / 30 && spun == THREADS * TURNS && pair[0] == THREADS * TURNS / 5);

	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, i % 2 ? producer : consumer, NULL));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(head == 2 * TURNS && eaten == (uint64_t)TURNS * (TURNS + 1));

	CHECK(!pthread_mutex_lock(&checking) && pthread_mutex_lock(&checking) == EDEADLK);
	CHECK(!pthread_create(&t[0], NULL, unlocker, NULL) && !pthread_join(t[0], NULL));
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	CHECK(pthread_cond_timedwait(&room, &checking, &ts) == ETIMEDOUT);
	CHECK(pthread_mutex_unlock(&checking) == 0);
	CHECK(!pthread_mutex_lock(&mutex) && pthread_mutex_timedlock(&mutex, &ts) == ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	printf("%llu eaten\n", (unsigned long long)eaten);
}
