/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first thread ends before the others: the process lives on, with its pid, until the last one. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static pthread_t first;
static int how;

static void pause_ms(long ms)
{
	struct timespec ts = { 0, ms * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static void *last(void *arg)
{
	char text[32];
	void *result;
	int fd;

	CHECK(!pthread_join(first, &result) && result == (void *)5);
	CHECK(getpid() != syscall(SYS_gettid));
	fd = open("/proc/self/stat", O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text)) == sizeof(text) && atoi(text) == getpid());
	close(fd);
	pause_ms(30);
	switch (how) {
	case 0:
		return arg;
	case 1:
		exit(9);
	case 2:
		kill(getpid(), SIGUSR2);
		for (;;)
			pause();
	default:
		execl("/bin/sh", "sh", "-c", "exit $(( $$ == $PPID ? 1 : 13 ))", NULL);
		_exit(99);
	}
}

static void test(void)
{
	fflush(stdout);
	for (how = 0; how < 4; how++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			pthread_t t;

			first = pthread_self();
			CHECK(!pthread_create(&t, NULL, last, NULL));
			pthread_exit((void *)5);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		printf("case %d: status %#x\n", how, status);
		fflush(stdout);
	}
}
