/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that share memory synchronise by what glibc makes of futexes there: mutexes, conditions,
 * barriers, rwlocks and semaphores with PTHREAD_PROCESS_SHARED.
 */
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

#define CHILDREN 4
#define SLOTS 5
#define ITEMS 60

struct shared {
	pthread_mutex_t mutex;
	pthread_cond_t filled, emptied;
	pthread_barrier_t barrier;
	pthread_rwlock_t rwlock;
	sem_t sem, done;
	unsigned counter, guarded, in, out, queue[SLOTS], sum, pair[2];
};

static struct shared *s;

static void init(void)
{
	pthread_mutexattr_t m;
	pthread_condattr_t c;
	pthread_barrierattr_t b;
	pthread_rwlockattr_t r;

	memset(s, 0, sizeof(*s));
	CHECK(!pthread_mutexattr_init(&m) && !pthread_condattr_init(&c));
	CHECK(!pthread_barrierattr_init(&b) && !pthread_rwlockattr_init(&r));
	CHECK(!pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED));
	CHECK(!pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED));
	CHECK(!pthread_barrierattr_setpshared(&b, PTHREAD_PROCESS_SHARED));
	CHECK(!pthread_rwlockattr_setpshared(&r, PTHREAD_PROCESS_SHARED));
	CHECK(!pthread_mutex_init(&s->mutex, &m));
	CHECK(!pthread_cond_init(&s->filled, &c) && !pthread_cond_init(&s->emptied, &c));
	CHECK(!pthread_barrier_init(&s->barrier, &b, CHILDREN));
	CHECK(!pthread_rwlock_init(&s->rwlock, &r));
	CHECK(!sem_init(&s->sem, 1, 1) && !sem_init(&s->done, 1, 0));
}

static void child(int me)
{
	for (int i = 0; i < 200; i++) {
		CHECK(!pthread_mutex_lock(&s->mutex));
		s->counter++;
		CHECK(!pthread_mutex_unlock(&s->mutex));
		CHECK(!sem_wait(&s->sem));
		s->guarded++;
		CHECK(!sem_post(&s->sem));
		if (i % 20 == me) {
			CHECK(!pthread_rwlock_wrlock(&s->rwlock));
			s->pair[0]++;
			s->pair[1]++;
			CHECK(!pthread_rwlock_unlock(&s->rwlock));
		}
		CHECK(!pthread_rwlock_rdlock(&s->rwlock));
		CHECK(s->pair[0] == s->pair[1]);
		CHECK(!pthread_rwlock_unlock(&s->rwlock));
		if (i % 50 == 0) {
			int ret = pthread_barrier_wait(&s->barrier);

			CHECK(ret == 0 || ret == PTHREAD_BARRIER_SERIAL_THREAD);
		}
	}
	/* Takes from the queue until it gets a 0. */
	for (;;) {
		unsigned item;

		CHECK(!pthread_mutex_lock(&s->mutex));
		while (s->in == s->out)
			CHECK(!pthread_cond_wait(&s->filled, &s->mutex));
		item = s->queue[s->out++ % SLOTS];
		s->sum += item;
		CHECK(!pthread_cond_signal(&s->emptied));
		CHECK(!pthread_mutex_unlock(&s->mutex));
		if (!item)
			break;
	}
	CHECK(!sem_post(&s->done));
	_exit(0);
}

static void put(unsigned item)
{
	CHECK(!pthread_mutex_lock(&s->mutex));
	while (s->in - s->out == SLOTS)
		CHECK(!pthread_cond_wait(&s->emptied, &s->mutex));
	s->queue[s->in++ % SLOTS] = item;
	CHECK(!pthread_cond_broadcast(&s->filled));
	CHECK(!pthread_mutex_unlock(&s->mutex));
}

static void test(void)
{
	pid_t pid[CHILDREN];
	struct timespec soon;
	int status;

	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(s != MAP_FAILED);
	init();
	for (int i = 0; i < CHILDREN; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (!pid[i])
			child(i);
	}
	for (unsigned i = 1; i <= ITEMS; i++)
		put(i);
	for (int i = 0; i < CHILDREN; i++)
		put(0);
	for (int i = 0; i < CHILDREN; i++)
		CHECK(!sem_wait(&s->done));
	for (int i = 0; i < CHILDREN; i++)
		CHECK(waitpid(pid[i], &status, 0) == pid[i] && status == 0);
	CHECK(s->counter == 200 * CHILDREN && s->guarded == 200 * CHILDREN);
	CHECK(s->pair[0] == 10 * CHILDREN);
	CHECK(s->sum == ITEMS * (ITEMS + 1) / 2);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 5000000;
	if (soon.tv_nsec >= 1000000000) {
		soon.tv_sec++;
		soon.tv_nsec -= 1000000000;
	}
	CHECK_FAILS(sem_timedwait(&s->done, &soon), ETIMEDOUT);
	CHECK(munmap(s, sizeof(*s)) == 0);
	printf("shared synchronisation ok\n");
}
