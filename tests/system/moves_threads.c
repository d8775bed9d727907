/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * moves_threads SECONDS: threads that compute, wait and signal each other in all the ways that a move
 * interrupts. Each checks its own; "threads kept" is all that is said, however often it is moved.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double end;
static int bad;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool going(void)
{
	return now() < end;
}

static void wrong(const char *what)
{
	printf("%s (errno %d)\n", what, errno);
	__atomic_store_n(&bad, 1, __ATOMIC_RELAXED);
}

/* Registers, extended registers, and its own thread-local data and identity. */
static __thread uint64_t tls;

static void *compute(void *arg)
{
	uint64_t x = (uintptr_t)arg, tid = (uint64_t)gettid();
	double f = (double)x, was = f;

	tls = x;
	while (going()) {
		for (int i = 0; i < 200000; i++) {
			f = f * 1.0000001 + 1e-9;
			f = (f - 1e-9) / 1.0000001;
		}
		if (f < was - 0.01 || f > was + 0.01)
			wrong("a sum differs");
		if (tls != x || (uint64_t)gettid() != tid)
			wrong("thread-local data differ");
	}
	return NULL;
}

/* A blocked read(2), and the one who ends it. */
static int pipes[2][2];

static void *echo(void *arg)
{
	char c;

	while (read(pipes[0][0], &c, 1) == 1)
		if (write(pipes[1][1], &c, 1) != 1)
			wrong("write");
	close(pipes[1][1]);
	return arg;
}

static void *ask(void *arg)
{
	for (char c = 0; going(); c++) {
		char back;

		if (write(pipes[0][1], &c, 1) != 1 || read(pipes[1][0], &back, 1) != 1 || back != c)
			wrong("a byte through two pipes");
		usleep(3000);
	}
	close(pipes[0][1]);
	return arg;
}

/* futex(2): a condition's two sides. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned turn;
static bool over;

static void *side(void *arg)
{
	unsigned me = (uintptr_t)arg;

	pthread_mutex_lock(&mutex);
	while (!over) {
		if (turn % 2 == me) {
			turn++;
			over |= !going();
			pthread_cond_broadcast(&cond);
		} else {
			pthread_cond_wait(&cond, &mutex);
		}
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

/* Sleeps and polls that must neither end early nor fail. */
static void *sleeper(void *arg)
{
	struct pollfd never = { .fd = pipes[0][0] };

	while (going()) {
		struct timespec t = { 0, 20000000 };
		double begun = now();
		int n;

		if (nanosleep(&t, NULL) || now() - begun < 0.0199)
			wrong("a sleep ended early");
		begun = now();
		never.events = 0;
		n = poll(&never, 1, 20);
		if (n < 0 || (!n && now() - begun < 0.019))
			wrong("a poll ended early");
	}
	return arg;
}

/* Signals for one thread, on a stack of its own. */
static __thread char *stack;
static __thread volatile sig_atomic_t got;
static sem_t answered;

static void handler(int sig, siginfo_t *info, void *context)
{
	char here;

	(void)sig;
	(void)context;
	if (!stack || &here < stack || &here >= stack + 65536 || info->si_code != SI_TKILL)
		wrong("a signal at the wrong thread");
	got++;
	sem_post(&answered);
}

static bool signals_over;

static void *receiver(void *arg)
{
	stack_t own = { .ss_sp = malloc(65536), .ss_size = 65536 };

	stack = own.ss_sp;
	sigaltstack(&own, NULL);
	sem_post(&answered);
	while (!__atomic_load_n(&signals_over, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (!got)
		wrong("no signal came");
	own.ss_flags = SS_DISABLE;
	sigaltstack(&own, NULL);
	free(stack);
	return arg;
}

static void *sender(void *arg)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	pthread_t to;

	sigaction(SIGUSR1, &sa, NULL);
	sem_init(&answered, 0, 0);
	pthread_create(&to, NULL, receiver, NULL);
	while (sem_wait(&answered))
		;
	while (going()) {
		pthread_kill(to, SIGUSR1);
		while (sem_wait(&answered))
			;
		usleep(2000);
	}
	__atomic_store_n(&signals_over, true, __ATOMIC_RELEASE);
	pthread_join(to, NULL);
	return arg;
}

/* Threads that come and go. */
static void *brief(void *arg)
{
	tls = (uintptr_t)arg;
	return (void *)(uintptr_t)(tls + 1);
}

static void *maker(void *arg)
{
	for (uintptr_t i = 0; going(); i++) {
		pthread_t t;
		void *back;

		if (pthread_create(&t, NULL, brief, (void *)i) || pthread_join(t, &back) ||
		    (uintptr_t)back != i + 1)
			wrong("a thread that comes and goes");
		usleep(500);
	}
	return arg;
}

int main(int argc, char **argv)
{
	static const struct {
		void *(*fn)(void *arg);
		uintptr_t arg;
	} all[] = { { echo, 0 }, { ask, 0 }, { side, 0 }, { side, 1 }, { sleeper, 0 }, { sender, 0 },
		    { maker, 0 }, { compute, 11 }, { compute, 12 }, { compute, 13 } };
	pthread_t t[sizeof(all) / sizeof(all[0])];

	if (argc < 2 || pipe(pipes[0]) || pipe(pipes[1]))
		return 2;
	end = now() + atof(argv[1]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (pthread_create(&t[i], NULL, all[i].fn, (void *)all[i].arg))
			return 2;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		pthread_join(t[i], NULL);
	if (!bad)
		printf("threads kept\n");
	return bad;
}
