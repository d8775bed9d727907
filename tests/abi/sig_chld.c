/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SIGCHLD tells which child did what; ignoring it lets children go unwaited. */
#include <signal.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t count, status, code;
static volatile pid_t who;

static void on_child(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	who = si->si_pid;
	status = si->si_status;
	code = si->si_code;
	count++;
}

static pid_t child(int how)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		signal(SIGCHLD, SIG_DFL);
		if (how < 0)
			raise(-how);
		_exit(how);
	}
	return pid;
}

static void wait_count(int n, const sigset_t *open)
{
	while (count < n)
		sigsuspend(open);
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = on_child, .sa_flags = SA_SIGINFO };
	sigset_t set, open;
	pid_t pid;
	int st;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &open));
	sigdelset(&open, SIGCHLD);
	CHECK(!sigaction(SIGCHLD, &sa, NULL));
	count = 0;
	pid = child(17);
	wait_count(1, &open);
	CHECK(who == pid && status == 17 && code == CLD_EXITED);
	CHECK(waitpid(pid, &st, WNOHANG) == pid && WEXITSTATUS(st) == 17);
	pid = child(-SIGTERM);
	wait_count(2, &open);
	CHECK(who == pid && status == SIGTERM && code == CLD_KILLED);
	CHECK(waitpid(pid, &st, WNOHANG) == pid && WTERMSIG(st) == SIGTERM);
	pid = child(-SIGSTOP);
	wait_count(3, &open);
	CHECK(who == pid && status == SIGSTOP && code == CLD_STOPPED);
	CHECK(!kill(pid, SIGKILL));
	CHECK(waitpid(pid, &st, 0) == pid && WTERMSIG(st) == SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	pid = child(1);
	CHECK_FAILS(waitpid(pid, &st, 0), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	CHECK(!sigprocmask(SIG_UNBLOCK, &set, NULL));
	printf("SIGCHLD ok\n");
}
