/* SPDX-License-Identifier: GPL-2.0-or-later */
/* execve from any thread: the others are gone, the new program has the process's pid and one thread. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static pthread_t first;
static int p[2], from_leader, fails;

static void *blocked(void *arg)
{
	char c;

	(void)!read(p[0], &c, 1);
	return arg;
}

static void *spinning(void *arg)
{
	for (volatile int i = 0;; i++)
		;
	return arg;
}

static void *waiting(void *arg)
{
	pthread_join(first, NULL);
	return arg;
}

static void *exec(void *arg)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	if (fails) {
		CHECK_FAILS(execl("/nonexistent/program", "x", NULL), ENOENT);
		CHECK_FAILS(execl("/proc/self/task", "x", NULL), EACCES);
	}
	execl("/bin/sh", "sh", "-c",
	      "test $$ = $0 || exit 1; set -- /proc/self/task/*; test $# = 1 || exit 2; exit 21", pid,
	      NULL);
	return arg;
}

static void test(void)
{
	fflush(stdout);
	CHECK(!pipe(p));
	for (int i = 0; i < 4; i++) {
		int status;
		pid_t pid;

		from_leader = i & 1;
		fails = i & 2;
		pid = fork();
		if (!pid) {
			pthread_t t;

			first = pthread_self();
			CHECK(!pthread_create(&t, NULL, blocked, NULL));
			CHECK(!pthread_create(&t, NULL, waiting, NULL));
			CHECK(!pthread_create(&t, NULL, spinning, NULL));
			if (from_leader)
				exec(NULL);
			CHECK(!pthread_create(&t, NULL, exec, NULL));
			for (;;)
				pause();
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		printf("case %d: status %#x\n", i, status);
		fflush(stdout);
	}
	close(p[0]);
	close(p[1]);
}
