/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wait in its forms: by pid, group, any, pidfd; WNOHANG, WNOWAIT, __WALL, __WCLONE; what each tells, and errors. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static pid_t child(int code)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		_exit(code);
	return pid;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid)
		for (;;)
			pause();
	return pid;
}

static void by_waitid(void)
{
	siginfo_t si;
	struct rusage ru;
	pid_t pid = child(3);
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status;

	CHECK(fd >= 0);
	/* Looked at, but left. */
	for (int i = 0; i < 2; i++) {
		memset(&si, 0, sizeof(si));
		CHECK(!waitid(i ? P_PID : (idtype_t)P_PIDFD, i ? (id_t)pid : (id_t)fd, &si, WEXITED | WNOWAIT));
		CHECK(si.si_signo == SIGCHLD && si.si_code == CLD_EXITED && si.si_status == 3 && si.si_pid == pid);
		CHECK(si.si_uid == getuid());
	}
	CHECK(!waitid(P_ALL, 0, &si, WEXITED | WNOWAIT) && si.si_pid == pid);
	CHECK(syscall(SYS_waitid, P_PIDFD, fd, &si, WEXITED, &ru) == 0 && si.si_pid == pid);
	CHECK_FAILS(waitid((idtype_t)P_PIDFD, fd, &si, WEXITED), ECHILD);
	close(fd);
	CHECK_FAILS(waitid(P_ALL, 0, &si, 0), EINVAL);
	CHECK_FAILS(waitid((idtype_t)9, 0, &si, WEXITED), EINVAL);
	CHECK_FAILS(waitid((idtype_t)P_PIDFD, 99, &si, WEXITED), EBADF);
	/* Nothing yet: success, and nothing filled in but zeros. */
	pid = sleeper();
	si.si_pid = 77;
	si.si_signo = 78;
	CHECK(!waitid(P_PID, pid, &si, WEXITED | WNOHANG) && si.si_pid == 0 && si.si_signo == 0);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(!kill(pid, SIGTERM));
	CHECK(!waitid(P_PID, pid, &si, WEXITED) && si.si_code == CLD_KILLED && si.si_status == SIGTERM);
	printf("waitid ok\n");
}

static void by_group(void)
{
	pid_t a, b, own;
	int status;

	a = child(1);
	own = sleeper();
	CHECK(!setpgid(own, own));
	CHECK(!kill(own, SIGKILL));
	CHECK(waitpid(-own, &status, 0) == own && WTERMSIG(status) == SIGKILL);
	CHECK_FAILS(waitpid(-own, &status, 0), ECHILD);
	CHECK(waitpid(0, &status, 0) == a && WEXITSTATUS(status) == 1);
	b = child(2);
	CHECK(waitpid(-getpgrp(), &status, 0) == b);
	a = child(4);
	CHECK(waitpid(-1, &status, __WALL) == a && WEXITSTATUS(status) == 4);
	CHECK_FAILS(waitpid(-1, &status, 0), ECHILD);
	CHECK_FAILS(waitpid(a, &status, WNOHANG), ECHILD);
	CHECK_FAILS(waitpid(-1, &status, 0x100), EINVAL);
	CHECK_FAILS(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_FAILS(syscall(SYS_wait4, a, (int *)8, 0, NULL), ECHILD);
	/* A child that says its end by another signal is no ordinary one. */
	pid_t c;

	signal(SIGUSR1, SIG_IGN);
	c = (pid_t)syscall(SYS_clone, SIGUSR1, NULL, NULL, NULL, 0);
	if (!c)
		_exit(6);
	CHECK_FAILS(waitpid(c, &status, 0), ECHILD);
	CHECK(waitpid(c, &status, __WCLONE) == c && WEXITSTATUS(status) == 6);
	signal(SIGUSR1, SIG_DFL);
	printf("groups ok\n");
}

static void stopped(void)
{
	pid_t pid = sleeper();
	siginfo_t si;
	int status;

	CHECK(!kill(pid, SIGSTOP));
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	CHECK(!kill(pid, SIGCONT));
	CHECK(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	CHECK(!kill(pid, SIGSTOP));
	CHECK(!waitid(P_PID, pid, &si, WSTOPPED | WNOWAIT) && si.si_code == CLD_STOPPED && si.si_status == SIGSTOP);
	CHECK(!waitid(P_PID, pid, &si, WSTOPPED) && si.si_code == CLD_STOPPED);
	CHECK(!kill(pid, SIGCONT));
	CHECK(!waitid(P_PID, pid, &si, WCONTINUED) && si.si_code == CLD_CONTINUED && si.si_status == SIGCONT);
	/* A stopped one dies of SIGKILL at once, of others when it goes on. */
	CHECK(!kill(pid, SIGSTOP) && waitpid(pid, &status, WUNTRACED) == pid);
	CHECK(!kill(pid, SIGTERM));
	CHECK(!kill(pid, SIGCONT));
	CHECK(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGTERM);
	/* By itself. */
	pid = fork();
	if (!pid) {
		raise(SIGTSTP);
		raise(SIGSTOP);
		_exit(8);
	}
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	/* In an orphaned group SIGTSTP does nothing: the runner's group may be one. */
	if (WSTOPSIG(status) == SIGTSTP) {
		CHECK(!kill(pid, SIGCONT));
		CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	}
	CHECK(WSTOPSIG(status) == SIGSTOP && !kill(pid, SIGCONT));
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 8);
	printf("stops ok\n");
}

static void unwanted(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	int status;

	CHECK(!sigaction(SIGCHLD, &sa, NULL));
	child(5);
	child(6);
	CHECK_FAILS(wait(&status), ECHILD);
	signal(SIGCHLD, SIG_IGN);
	child(7);
	CHECK_FAILS(waitpid(-1, &status, 0), ECHILD);
	signal(SIGCHLD, SIG_DFL);
	printf("no zombies ok\n");
}

static void test(void)
{
	by_waitid();
	by_group();
	stopped();
	unwanted();
}
