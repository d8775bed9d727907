/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults of threads: the thread that caused it handles it, with its address; others are not disturbed. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "tests/abi/abi.h"

#define THREADS 4
#define TURNS 25

static char *area;
static __thread volatile unsigned faults;
static __thread unsigned me;
static unsigned total;

static void opens(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	CHECK(sig == SIGSEGV && si->si_code == SEGV_ACCERR);
	CHECK((char *)si->si_addr == area + me * 4096 + faults % 4096);
	faults++;
	CHECK(!mprotect(area + me * 4096, 4096, PROT_READ | PROT_WRITE));
}

static void *work(void *arg)
{
	char *mine;

	me = (uintptr_t)arg;
	mine = area + me * 4096;
	for (unsigned i = 0; i < TURNS; i++) {
		CHECK(!mprotect(mine, 4096, i % 2 ? PROT_NONE : PROT_READ));
		mine[faults % 4096] = i;
		CHECK(faults == i + 1 && mine[i] == (char)i);
	}
	__atomic_add_fetch(&total, faults, __ATOMIC_SEQ_CST);
	return NULL;
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = opens, .sa_flags = SA_SIGINFO };
	pthread_t t[THREADS];

	total = 0;
	area = mmap(NULL, THREADS * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED && !sigaction(SIGSEGV, &sa, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	munmap(area, THREADS * 4096);
	signal(SIGSEGV, SIG_DFL);
	printf("%u faults\n", total);
}
