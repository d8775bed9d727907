/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fork from a thread while others run: the child has that thread only, with its memory and handlers. */
#include <dirent.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define THREADS 3

extern char **environ;

static unsigned prepared, in_parent, in_child;
static __thread int mine;
static volatile int stop;
static char *volatile block;

static void prepare(void)
{
	__atomic_add_fetch(&prepared, 1, __ATOMIC_SEQ_CST);
}

static void parent(void)
{
	__atomic_add_fetch(&in_parent, 1, __ATOMIC_SEQ_CST);
}

static void child(void)
{
	__atomic_add_fetch(&in_child, 1, __ATOMIC_SEQ_CST);
}

static unsigned tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	CHECK(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void *square(void *arg)
{
	mine++;
	CHECK(mine == 1);
	return (void *)((uintptr_t)arg * (uintptr_t)arg);
}

/* Dirties memory all the time. */
static void *busy(void *arg)
{
	for (unsigned i = 0; !stop; i++) {
		char *p = malloc(1 + i % 5000);

		memset(p, i, 1 + i % 5000);
		free(p);
	}
	return arg;
}

static void in_the_child(int me)
{
	pthread_t t;
	void *result;

	CHECK(mine == me && in_child && getpid() == syscall(SYS_gettid) && tasks() == 1);
	for (int i = 0; i < 3; i++) {
		CHECK(!pthread_create(&t, NULL, square, (void *)7));
		CHECK(!pthread_join(t, &result) && result == (void *)49);
	}
	_exit(40 + me);
}

static void *forks(void *arg)
{
	char *const argv[] = { "true", NULL };
	int status;
	pid_t pid;

	mine = (uintptr_t)arg;
	for (int i = 0; i < 3; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (!pid)
			in_the_child(mine);
		CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 40 + mine);
	}
	CHECK(!posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ) == ENOENT);
	return NULL;
}

static void test(void)
{
	static int once;
	pthread_t t[THREADS], b;

	if (!once++)
		CHECK(!pthread_atfork(prepare, parent, child));
	prepared = in_parent = in_child = stop = 0;
	CHECK(!pthread_create(&b, NULL, busy, NULL));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, forks, (void *)(i + 1)));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	stop = 1;
	CHECK(!pthread_join(b, NULL));
	CHECK(prepared == 3 * THREADS && in_parent == prepared && !in_child);
	printf("%u forks\n", prepared);
}
