/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A robust mutex in shared memory, whose owner dies in every way: the next one to lock it is told. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static pthread_mutex_t *mutex;

static void dies_holding_it(int how)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(!pthread_mutex_lock(mutex));
		if (how)
			raise(SIGTERM);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(how ? WIFSIGNALED(status) : status == 0);
	CHECK(pthread_mutex_lock(mutex) == EOWNERDEAD);
	CHECK(!pthread_mutex_consistent(mutex));
	CHECK(!pthread_mutex_unlock(mutex));
	CHECK(!pthread_mutex_lock(mutex));
	CHECK(!pthread_mutex_unlock(mutex));
}

/* Who waits for it already is woken. */
static void dies_while_waited_for(void)
{
	pid_t pid = fork();
	int status, ret;

	CHECK(pid >= 0);
	if (!pid) {
		struct timespec soon = { .tv_nsec = 20000000 };

		CHECK(!pthread_mutex_lock(mutex));
		nanosleep(&soon, NULL);
		_exit(0);
	}
	while ((ret = pthread_mutex_trylock(mutex)) == 0) {
		CHECK(!pthread_mutex_unlock(mutex));
		usleep(1000);
	}
	/* It had it for so short that nobody saw it, or has it still. */
	if (ret == EBUSY)
		ret = pthread_mutex_lock(mutex);
	CHECK(ret == EOWNERDEAD);
	CHECK(!pthread_mutex_consistent(mutex) && !pthread_mutex_unlock(mutex));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test(void)
{
	pthread_mutexattr_t attr;

	mutex = mmap(NULL, sizeof(*mutex), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(mutex != MAP_FAILED);
	CHECK(!pthread_mutexattr_init(&attr));
	CHECK(!pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	CHECK(!pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	CHECK(!pthread_mutex_init(mutex, &attr));
	dies_holding_it(0);
	dies_holding_it(1);
	dies_while_waited_for();
	CHECK(munmap(mutex, sizeof(*mutex)) == 0);
	printf("robust ok\n");
}
