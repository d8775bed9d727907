/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals among threads: to one of them, to the process, blocked, pending, waited for. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

#define THREADS 4

static sem_t handled, ready;
static volatile sig_atomic_t by[THREADS], by_main;
static __thread int me = -1;
static int stop[2];
static unsigned taken[THREADS];
static uint64_t values;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	CHECK(si->si_pid == getpid() || si->si_code == SI_TKILL);
	if (me < 0)
		by_main += sig;
	else
		by[me] += sig;
	sem_post(&handled);
}

static void *target(void *arg)
{
	char c;
	ssize_t n;

	me = (uintptr_t)arg;
	sem_post(&ready);
	/* SA_RESTART: the handler runs, the call goes on. */
	while ((n = read(stop[0], &c, 1)) < 0)
		CHECK(errno == EINTR && me == 3);
	return NULL;
}

static void *blocker(void *arg)
{
	sigset_t set, pending;

	me = 0;
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	sem_post(&ready);
	while (sigpending(&pending) || !sigismember(&pending, SIGUSR1))
		sched_yield();
	CHECK(by[0] == 0);
	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	CHECK(by[0] == SIGUSR1);
	return arg;
}

/* Takes queued signals until one says that it is enough. */
static void *taker(void *arg)
{
	unsigned i = (uintptr_t)arg;
	siginfo_t si;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	for (;;) {
		if (sigwaitinfo(&set, &si) < 0) {
			CHECK(errno == EINTR);
			continue;
		}
		CHECK(si.si_signo == SIGRTMIN + 2 && si.si_code == SI_QUEUE);
		if (si.si_value.sival_int < 0)
			return NULL;
		taken[i]++;
		__atomic_add_fetch(&values, si.si_value.sival_int, __ATOMIC_SEQ_CST);
	}
}

static void install(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | flags };

	CHECK(!sigaction(sig, &sa, NULL));
}

static void take(void)
{
	while (sem_wait(&handled))
		CHECK(errno == EINTR);
}

static void test(void)
{
	union sigval v;
	pthread_t t[THREADS];
	sigset_t set, old;
	unsigned sum = 0;

	memset((void *)by, 0, sizeof(by));
	memset(taken, 0, sizeof(taken));
	by_main = 0;
	values = 0;
	CHECK(!sem_init(&handled, 0, 0) && !sem_init(&ready, 0, 0) && !pipe(stop));
	install(SIGUSR1, SA_RESTART);
	install(SIGUSR2, SA_RESTART);

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, target, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!sem_wait(&ready));
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_kill(t[i], SIGUSR1));
		take();
	}
	for (int i = 0; i < THREADS; i++)
		CHECK(by[i] == SIGUSR1);
	CHECK(!by_main && pthread_kill(t[0], 0) == 0);
	CHECK_FAILS(syscall(SYS_tgkill, getpid(), getpid(), 65), EINVAL);
	CHECK_FAILS(syscall(SYS_tgkill, getpid(), 0x3ffffff, 0), ESRCH);
	/* To the process: anybody who does not block it; the first thread when it does not. */
	for (int i = 0; i < 100 && !by_main; i++) {
		/* One that is just leaving its handler may be quicker. */
		kill(getpid(), SIGUSR2);
		take();
	}
	CHECK(by_main == SIGUSR2);
	for (int i = 0; i < THREADS; i++)
		by[i] = SIGUSR1;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	kill(getpid(), SIGUSR2);
	take();
	for (int i = 0; i < THREADS; i++)
		sum += by[i];
	CHECK(by_main == SIGUSR2 && sum == THREADS * SIGUSR1 + SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	CHECK(write(stop[1], "xxxx", 4) == 4);
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));

	/* Pending for one thread only. */
	by[0] = 0;
	CHECK(!pthread_create(&t[0], NULL, blocker, NULL));
	CHECK(!sem_wait(&ready) && !pthread_kill(t[0], SIGUSR1));
	CHECK(!sigpending(&set) && !sigismember(&set, SIGUSR1));
	CHECK(!pthread_join(t[0], NULL));
	take();

	/* Each queued signal goes to exactly one of those who wait. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 2);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, taker, (void *)i));
	for (v.sival_int = 1; v.sival_int <= 60; v.sival_int++)
		CHECK(!sigqueue(getpid(), SIGRTMIN + 2, v));
	v.sival_int = -1;
	for (int i = 0; i < THREADS; i++)
		CHECK(!sigqueue(getpid(), SIGRTMIN + 2, v));
	sum = 0;
	for (int i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(t[i], NULL));
		sum += taken[i];
	}
	CHECK(sum == 60 && values == 60 * 61 / 2);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(stop[0]);
	close(stop[1]);
	sem_destroy(&handled);
	sem_destroy(&ready);
	printf("signals ok\n");
}
