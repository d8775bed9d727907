/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping and continuing a process with several threads: all stand still, all go on. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

#define THREADS 3

static int up[2], down[2];
static volatile uint64_t count[THREADS];

static void *counting(void *arg)
{
	for (;;)
		count[(uintptr_t)arg]++;
	return arg;
}

static void child(void)
{
	pthread_t t;
	char c;

	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t, NULL, counting, (void *)i));
	CHECK(write(up[1], "r", 1) == 1);
	for (;;) {
		CHECK(read(down[0], &c, 1) == 1);
		/* All of them go on. */
		for (int i = 0; i < THREADS; i++)
			for (uint64_t was = count[i]; was == count[i];)
				;
		CHECK(write(up[1], &c, 1) == 1);
		if (c == 'q')
			_exit(17);
	}
}

static void test(void)
{
	int status;
	pid_t pid;
	char c;

	CHECK(!pipe(up) && !pipe(down));
	fflush(stdout);
	pid = fork();
	/* Its own group, which is not orphaned: Linux would not stop an orphan for SIGTSTP. */
	setpgid(pid, pid);
	if (!pid)
		child();
	CHECK(read(up[0], &c, 1) == 1 && c == 'r');
	for (int i = 0; i < 3; i++) {
		CHECK(!kill(pid, i == 1 ? SIGTSTP : SIGSTOP));
		CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		CHECK(WSTOPSIG(status) == (i == 1 ? SIGTSTP : SIGSTOP));
		c = 'a' + i;
		CHECK(write(down[1], &c, 1) == 1);
		CHECK(!kill(pid, SIGCONT));
		CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
		CHECK(read(up[0], &c, 1) == 1 && c == 'a' + i);
	}
	CHECK(write(down[1], "q", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 17);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	printf("stopped three times\n");
}
