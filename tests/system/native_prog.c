/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/system/native.py runs with and without mosrun. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void print_signals(const char *what, const sigset_t *set)
{
	printf("%s:", what);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(set, i) == 1)
			printf(" %d", i);
	printf("\n");
}

/* All that a program may find out about itself and that it has inherited. */
static int state(void)
{
	int value = 0, *p = &value;
	struct sigaction act;
	struct rlimit limit;
	sigset_t set;
	cpu_set_t cpus;
	struct stat st;
	char cwd[4096];

	for (int fd = 0; fd < 1024; fd++)
		if (!fstat(fd, &st))
			printf("fd %d: mode %o\n", fd, st.st_mode);
	for (int i = 1; i < NSIG; i++)
		if (!sigaction(i, NULL, &act) && act.sa_handler != SIG_DFL)
			printf("signal %d is ignored\n", i);
	sigprocmask(SIG_SETMASK, NULL, &set);
	print_signals("blocked", &set);
	sigpending(&set);
	print_signals("pending", &set);
	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (!getrlimit(i, &limit))
			printf("limit %d: %llx %llx\n", i, (unsigned long long)limit.rlim_cur,
			       (unsigned long long)limit.rlim_max);
	prctl(PR_GET_PDEATHSIG, p);
	printf("pdeathsig %d\n", value);
	prctl(PR_GET_CHILD_SUBREAPER, p);
	printf("subreaper %d, dumpable %d, slack %d, no_new_privs %d\n", value, prctl(PR_GET_DUMPABLE),
	       prctl(PR_GET_TIMERSLACK), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	sched_getaffinity(0, sizeof(cpus), &cpus);
	printf("cpus %d, policy %d, nice %d\n", CPU_COUNT(&cpus), sched_getscheduler(0),
	       getpriority(PRIO_PROCESS, 0));
	printf("umask %o, cwd %s\n", umask(0), getcwd(cwd, sizeof(cwd)));
	printf("session of the parent %d, foreground %d\n", getsid(0) == getsid(getppid()),
	       tcgetpgrp(0) == getpgrp());
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "_=", 2))
			printf("%s\n", *e);
	return 0;
}

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void *takes_signals(void *arg)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < 20; i++)
		usleep(30000);
	return arg;
}

/* How often SIGTERM comes, to a process whose first thread does not take it. */
static int count(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	pthread_t thread;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigaction(SIGTERM, &act, NULL);
	pthread_create(&thread, NULL, takes_signals, NULL);
	printf("ready\n");
	fflush(stdout);
	pthread_join(thread, NULL);
	printf("%d\n", handled);
	return 0;
}

/* Executes itself n times. */
static int execs(char **argv)
{
	int n = atoi(argv[2]);
	char next[16];

	if (!n) {
		printf("end\n");
		return 0;
	}
	snprintf(next, sizeof(next), "%d", n - 1);
	execl("/proc/self/exe", argv[0], "execs", next, NULL);
	return 1;
}

static void *short_life(void *arg)
{
	volatile long n = 0;

	while (n < 300000)
		n++;
	return arg;
}

static int threads(char **argv)
{
	for (int n = atoi(argv[2]); n; n--) {
		pthread_t thread[4];

		for (int i = 0; i < 4; i++)
			if (pthread_create(&thread[i], NULL, short_life, NULL))
				return 1;
		for (int i = 0; i < 4; i++)
			pthread_join(thread[i], NULL);
	}
	printf("end\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "state"))
		return state();
	if (argc > 1 && !strcmp(argv[1], "count"))
		return count();
	if (argc > 2 && !strcmp(argv[1], "execs"))
		return execs(argv);
	if (argc > 1 && !strcmp(argv[1], "spins"))
		for (volatile unsigned long n = 0;; n++)
			;
	if (argc > 2 && !strcmp(argv[1], "threads"))
		return threads(argv);
	return 2;
}
