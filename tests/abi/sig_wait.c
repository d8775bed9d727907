/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sigwaitinfo and sigtimedwait: signals are taken without handlers, in order, with what they carry. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t handled;

static void count(int sig)
{
	(void)sig;
	handled++;
}

static void test(void)
{
	struct timespec none = { 0 }, some = { .tv_nsec = 30000000 }, bad = { .tv_nsec = 1000000000 };
	struct timespec before, after;
	union sigval v = { .sival_int = 5 };
	pid_t pid, parent = getpid();
	sigset_t set, was, one;
	siginfo_t si;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGRTMIN);
	signal(SIGUSR1, count);
	handled = 0;
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	CHECK_FAILS(sigtimedwait(&set, &si, &none), EAGAIN);
	CHECK_FAILS(sigtimedwait(&set, &si, &bad), EINVAL);
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK_FAILS(sigtimedwait(&set, &si, &some), EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &after);
	CHECK((after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec >= 30000000);
	CHECK(!raise(SIGUSR1));
	CHECK(!sigqueue(parent, SIGRTMIN, v));
	v.sival_int = 6;
	CHECK(!sigqueue(parent, SIGRTMIN, v));
	sigemptyset(&one);
	sigaddset(&one, SIGRTMIN);
	CHECK(sigwaitinfo(&one, &si) == SIGRTMIN && si.si_value.sival_int == 5 && si.si_code == SI_QUEUE);
	CHECK(sigwaitinfo(&set, &si) == SIGUSR1 && si.si_code == SI_USER && si.si_pid == parent);
	CHECK(sigtimedwait(&set, &si, &none) == SIGRTMIN && si.si_value.sival_int == 6);
	CHECK_FAILS(sigtimedwait(&set, &si, &none), EAGAIN);
	/* From a child, and by its end; ignored by default or not, it is waited for. */
	pid = fork();
	if (!pid) {
		nanosleep(&some, NULL);
		CHECK(!kill(parent, SIGUSR1));
		nanosleep(&some, NULL);
		_exit(9);
	}
	CHECK(sigwaitinfo(&set, &si) == SIGUSR1 && si.si_pid == pid && si.si_code == SI_USER);
	CHECK(sigwaitinfo(&set, &si) == SIGCHLD && si.si_pid == pid && si.si_code == CLD_EXITED &&
	      si.si_status == 9);
	CHECK(waitpid(pid, &status, 0) == pid);
	/* sigwait without room for siginfo. */
	CHECK(!raise(SIGUSR1));
	CHECK(!sigwait(&set, &status) && status == SIGUSR1);
	CHECK(handled == 0);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	/* Not blocked: the handler may have it, or the call. */
	signal(SIGUSR1, SIG_DFL);
	printf("waiting for signals ok\n");
}
