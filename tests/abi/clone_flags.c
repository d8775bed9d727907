/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clone and clone3 as processes: exit signals, tids, pidfds, what is shared, and errors. */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t ended;
static char stack[65536] __attribute__((aligned(16)));

static void on_end(int sig)
{
	(void)sig;
	ended++;
}

static pid_t raw_clone(unsigned long flags, int *ptid, int *ctid)
{
	return (pid_t)syscall(SYS_clone, flags, NULL, ptid, ctid, 0);
}

static int on_stack(void *arg)
{
	char here;

	return &here >= stack && &here < stack + sizeof(stack) && *(int *)arg == 5 ? 33 : 34;
}

static void by_clone(void)
{
	volatile int ptid = 0, ctid = 0, arg = 5;
	int status, pidfd = -1;
	struct pollfd p = { .events = POLLIN };
	siginfo_t si;
	pid_t pid;

	pid = raw_clone(CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, (int *)&ptid, (int *)&ctid);
	if (!pid)
		_exit(ctid == getpid() && ptid == 0 ? 0 : 1);
	CHECK(ptid == pid && ctid == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 1);
	/* Another signal at its end, or none. */
	signal(SIGUSR2, on_end);
	ended = 0;
	pid = raw_clone(SIGUSR2, NULL, NULL);
	if (!pid)
		_exit(21);
	while (!ended)
		usleep(1000);
	CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 21);
	signal(SIGUSR2, SIG_DFL);
	pid = raw_clone(0, NULL, NULL);
	if (!pid)
		_exit(22);
	CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 22);
	/* A pidfd in one. */
	pid = raw_clone(CLONE_PIDFD | SIGCHLD, &pidfd, NULL);
	if (!pid)
		_exit(23);
	CHECK(pidfd >= 0 && (fcntl(pidfd, F_GETFD) & FD_CLOEXEC));
	p.fd = pidfd;
	CHECK(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
	CHECK(!waitid((idtype_t)3, pidfd, &si, WEXITED) && si.si_pid == pid && si.si_status == 23);
	close(pidfd);
	/* A stack of its own. */
	pid = clone(on_stack, stack + sizeof(stack), SIGCHLD, (void *)&arg);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 33);
	pid = clone(on_stack, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)&arg);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 33);
	CHECK_FAILS(raw_clone(CLONE_THREAD, NULL, NULL), EINVAL);
	CHECK_FAILS(raw_clone(CLONE_SIGHAND, NULL, NULL), EINVAL);
	CHECK_FAILS(raw_clone(CLONE_NEWNS | CLONE_FS, NULL, NULL), EINVAL);
	printf("clone ok\n");
}

/* Descriptors, or the working directory, in common. */
static void shared(void)
{
	int fd, status;
	pid_t pid;
	char cwd[256], was[256];

	CHECK(getcwd(was, sizeof(was)));
	pid = raw_clone(CLONE_FILES | SIGCHLD, NULL, NULL);
	if (!pid)
		_exit(open("/dev/null", O_RDONLY));
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	fd = WEXITSTATUS(status);
	CHECK(fcntl(fd, F_GETFL) >= 0 && !close(fd));
	pid = raw_clone(CLONE_FS | SIGCHLD, NULL, NULL);
	if (!pid)
		_exit(chdir("/tmp"));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/tmp"));
	CHECK(!chdir(was));
	printf("shared ok\n");
}

static void by_clone3(void)
{
	volatile int ctid = 0, ptid = 0;
	int pidfd = -1, status;
	struct clone_args a = { .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND,
				.pidfd = (uint64_t)&pidfd, .parent_tid = (uint64_t)&ptid, .child_tid = (uint64_t)&ctid,
				.exit_signal = SIGCHLD };
	struct sigaction sa;
	pid_t pid;

	signal(SIGUSR1, on_end);
	signal(SIGUSR2, SIG_IGN);
	pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (!pid) {
		CHECK(ctid == getpid());
		CHECK(!sigaction(SIGUSR1, NULL, &sa) && sa.sa_handler == SIG_DFL);
		CHECK(!sigaction(SIGUSR2, NULL, &sa) && sa.sa_handler == SIG_IGN);
		_exit(44);
	}
	CHECK(pid > 0 && ptid == pid && ctid == 0 && pidfd >= 0);
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 44);
	close(pidfd);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	a = (struct clone_args){ .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD,
				 .stack = 0, .stack_size = 4096 };
	CHECK_FAILS(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	a = (struct clone_args){ .exit_signal = 99 };
	CHECK_FAILS(syscall(SYS_clone3, &a, sizeof(a)), EINVAL);
	CHECK_FAILS(syscall(SYS_clone3, &a, 8), EINVAL);
	CHECK_FAILS(syscall(SYS_clone3, (void *)8, sizeof(a)), EFAULT);
	printf("clone3 ok\n");
}

static void test(void)
{
	fflush(stdout);
	by_clone();
	fflush(stdout);
	shared();
	fflush(stdout);
	by_clone3();
}
