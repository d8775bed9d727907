/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sixty-four threads alive at once: numbers of their own, arguments, results, what they share. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

#define THREADS 64

static pthread_barrier_t all;
static int tids[THREADS], shared_fd;
static unsigned tasks;

static bool is_known(int tid)
{
	bool known = tid == getpid();

	for (int i = 0; i < THREADS; i++)
		known |= tids[i] == tid;
	return known;
}

/* Those that /proc shows are those that the threads themselves know. */
static unsigned count_tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	unsigned n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			CHECK(is_known(atoi(e->d_name)));
			n++;
		}
	closedir(d);
	return n;
}

static void *work(void *arg)
{
	uintptr_t me = (uintptr_t)arg;

	tids[me] = syscall(SYS_gettid);
	CHECK(getpid() != tids[me]);
	if (pthread_barrier_wait(&all) == PTHREAD_BARRIER_SERIAL_THREAD)
		tasks = count_tasks();
	pthread_barrier_wait(&all);
	/* Descriptors and the working directory are one for all. */
	if (me == 7)
		shared_fd = open("/dev/null", O_WRONLY);
	pthread_barrier_wait(&all);
	CHECK(write(shared_fd, "x", 1) == 1);
	return (void *)(me * me + 1);
}

static void test(void)
{
	pthread_t t[THREADS];
	void *result;

	CHECK(!pthread_barrier_init(&all, NULL, THREADS));
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (uintptr_t i = 0; i < THREADS; i++) {
		CHECK(!pthread_join(t[i], &result));
		CHECK((uintptr_t)result == i * i + 1);
	}
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < i; j++)
			CHECK(tids[i] != tids[j] && tids[i] > 0);
	close(shared_fd);
	pthread_barrier_destroy(&all);
	CHECK(getpid() == syscall(SYS_gettid));
	printf("%u tasks with threads\n", tasks);
}
