/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals between the processes of a tree: kill of one, of a group, of all; tgkill, sigqueue, pidfd_send_signal. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#define KIDS 3

static volatile sig_atomic_t got;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	got = sig == SIGUSR1 ? 10 + si->si_code : 40 + si->si_value.sival_int;
}

/* Waits with the signals open, and exits with what came. */
static pid_t start(int ready)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	sigset_t set, none;
	pid_t pid;

	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	pid = fork();
	if (pid)
		return pid;
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	got = 0;
	CHECK(!sigaction(SIGUSR1, &sa, NULL) && !sigaction(SIGUSR2, &sa, NULL));
	CHECK(!setpgid(0, 0));
	CHECK(write(ready, "r", 1) == 1);
	while (!got)
		sigsuspend(&none);
	_exit(got);
}

static int status_of(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test(void)
{
	union sigval v = { .sival_int = 2 };
	pid_t kid[KIDS], me = getpid();
	siginfo_t si = { 0 };
	int fd[2], pidfd;
	char c;

	CHECK(!pipe(fd));
	for (int how = 0; how < 6; how++) {
		kid[0] = start(fd[1]);
		CHECK(read(fd[0], &c, 1) == 1);
		pidfd = (int)syscall(SYS_pidfd_open, kid[0], 0);
		CHECK(pidfd >= 0);
		switch (how) {
		case 0:
			CHECK(!kill(kid[0], SIGUSR1));
			break;
		case 1:
			CHECK(!kill(-kid[0], SIGUSR1));
			break;
		case 2:
			CHECK(!sigqueue(kid[0], SIGUSR2, v));
			break;
		case 3:
			CHECK(!syscall(SYS_tgkill, kid[0], kid[0], SIGUSR1));
			break;
		case 4:
			CHECK(!syscall(SYS_pidfd_send_signal, pidfd, SIGUSR1, NULL, 0));
			break;
		case 5:
			si.si_signo = SIGUSR2;
			si.si_code = SI_QUEUE;
			si.si_pid = me;
			si.si_value.sival_int = 7;
			CHECK(!syscall(SYS_pidfd_send_signal, pidfd, SIGUSR2, &si, 0));
			break;
		}
		static const int want[] = { 10, 10, 42, 10 + SI_TKILL, 10, 47 };

		CHECK(status_of(kid[0]) == want[how]);
		CHECK_FAILS(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH);
		close(pidfd);
		CHECK_FAILS(kill(kid[0], 0), ESRCH);
	}
	/* A group of several. */
	for (int i = 0; i < KIDS; i++)
		kid[i] = start(fd[1]);
	for (int i = 0; i < KIDS; i++)
		CHECK(read(fd[0], &c, 1) == 1);
	for (int i = 1; i < KIDS; i++)
		CHECK(!setpgid(kid[i], kid[0]));
	CHECK(!killpg(kid[0], SIGUSR1));
	for (int i = 0; i < KIDS; i++)
		CHECK(status_of(kid[i]) == 10);
	CHECK_FAILS(killpg(kid[0], SIGUSR1), ESRCH);
	CHECK(!kill(me, 0));
	CHECK_FAILS(kill(me, 65), EINVAL);
	CHECK_FAILS(syscall(SYS_tgkill, me, -1, SIGUSR1), EINVAL);
	close(fd[0]);
	close(fd[1]);
	printf("signals in the family ok\n");
}
