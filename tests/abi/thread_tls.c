/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each thread has of its own: __thread, keys with destructors, errno, locale, alternate stack. */
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>

#include "tests/abi/abi.h"

#define THREADS 8

static __thread uint64_t plain = 7;
static __thread char big[20000];
static __thread int aligned __attribute__((aligned(64))) = 5;
static pthread_key_t key, again;
static unsigned destroyed, rounds;
static __thread unsigned seen_on_alt;

static void destroy(void *value)
{
	CHECK(value == (void *)plain);
	__atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST);
}

/* A destructor that sets its key again is called again, a few times. */
static void set_again(void *value)
{
	__atomic_add_fetch(&rounds, 1, __ATOMIC_SEQ_CST);
	if ((uintptr_t)value < 3)
		pthread_setspecific(again, (char *)value + 1);
}

static void on_alt(int sig)
{
	stack_t ss;

	(void)sig;
	CHECK(!sigaltstack(NULL, &ss) && ss.ss_flags == SS_ONSTACK);
	seen_on_alt++;
}

static void *work(void *arg)
{
	stack_t ss = { .ss_size = 32768 };
	unsigned me = (uintptr_t)arg;

	CHECK(plain == 7 && aligned == 5 && ((uintptr_t)&aligned & 63) == 0);
	CHECK(!sigaltstack(NULL, &ss) && ss.ss_flags == SS_DISABLE);
	ss = (stack_t){ .ss_sp = malloc(32768), .ss_size = 32768 };
	CHECK(!sigaltstack(&ss, NULL));
	plain = 100 + me;
	memset(big, me, sizeof(big));
	CHECK(!pthread_setspecific(key, (void *)plain) && !pthread_setspecific(again, (void *)1));
	for (int i = 0; i < 50; i++) {
		CHECK_FAILS(i % 2 == (int)me % 2 ? close(-1) : open("", O_RDONLY),
			    i % 2 == (int)me % 2 ? EBADF : ENOENT);
		pthread_kill(pthread_self(), SIGUSR1);
		CHECK(plain == 100 + me && pthread_getspecific(key) == (void *)plain);
	}
	for (unsigned i = 0; i < sizeof(big); i++)
		CHECK(big[i] == (char)me);
	CHECK(seen_on_alt == 50);
	ss.ss_flags = SS_DISABLE;
	CHECK(!sigaltstack(&ss, NULL));
	free(ss.ss_sp);
	return NULL;
}

static void test(void)
{
	struct sigaction sa = { .sa_handler = on_alt, .sa_flags = SA_ONSTACK };
	pthread_t t[THREADS];

	destroyed = rounds = 0;
	CHECK(!pthread_key_create(&key, destroy) && !pthread_key_create(&again, set_again));
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(plain == 7 && !pthread_getspecific(key));
	printf("%u destroyed, %u rounds\n", destroyed, rounds);
	pthread_key_delete(key);
	pthread_key_delete(again);
}
