/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeps, timeouts and timers of several threads at once: none is early, none is lost. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 6

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never;
static sem_t fired;
static volatile sig_atomic_t ticks;
static volatile pid_t ticked;

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec in_ms(long ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += ms * 1000000;
	ts.tv_sec += ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return ts;
}

static void *sleeper(void *arg)
{
	long ms = 10 + 7 * (uintptr_t)arg;
	int64_t begin = now_ms();
	struct timespec ts = { 0, ms * 1000000 };

	switch ((uintptr_t)arg % 3) {
	case 0:
		while (nanosleep(&ts, &ts))
			CHECK(errno == EINTR);
		break;
	case 1:
		ts = in_ms(ms);
		CHECK(!clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
		break;
	default:
		ts = in_ms(ms);
		pthread_mutex_lock(&mutex);
		CHECK(pthread_cond_timedwait(&never, &mutex, &ts) == ETIMEDOUT);
		pthread_mutex_unlock(&mutex);
	}
	/* One clock may be some milliseconds off the other where it was moved while it slept. */
	CHECK((uintptr_t)arg % 3 == 0 || now_ms() - begin >= ms - 1);
	return NULL;
}

static void expired(union sigval v)
{
	CHECK(v.sival_int == 77);
	sem_post(&fired);
}

static void tick(int sig)
{
	(void)sig;
	ticked = syscall(SYS_gettid);
	ticks++;
}

/* A timer whose signal is for this thread alone. */
static void *ticking(void *arg)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec spec = { { 0, 5000000 }, { 0, 5000000 } };
	struct sigaction sa = { .sa_handler = tick };
	timer_t timer;

	ev._sigev_un._tid = syscall(SYS_gettid);
	ticks = 0;
	CHECK(!sigaction(SIGRTMIN + 1, &sa, NULL));
	CHECK(!timer_create(CLOCK_MONOTONIC, &ev, &timer) && !timer_settime(timer, 0, &spec, NULL));
	while (ticks < 3)
		pause();
	CHECK(!timer_delete(timer) && ticked == syscall(SYS_gettid));
	return arg;
}

static void test(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 77 };
	struct itimerspec spec = { .it_value.tv_nsec = 15000000 };
	pthread_condattr_t attr;
	pthread_t t[THREADS], own;
	timer_t timer;

	ev.sigev_notify_function = expired;
	CHECK(!sem_init(&fired, 0, 0) && !pthread_condattr_init(&attr));
	CHECK(!pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) && !pthread_cond_init(&never, &attr));
	CHECK(!pthread_create(&own, NULL, ticking, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, sleeper, (void *)i));
	CHECK(!timer_create(CLOCK_REALTIME, &ev, &timer) && !timer_settime(timer, 0, &spec, NULL));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	while (sem_wait(&fired))
		CHECK(errno == EINTR);
	CHECK(!timer_delete(timer));
	CHECK(!pthread_join(own, NULL));
	pthread_cond_destroy(&never);
	printf("timers ok\n");
}
