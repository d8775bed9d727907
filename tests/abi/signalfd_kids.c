/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals of other processes in a signalfd(2): of children that end, of a child that writes; over fork and exec. */
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static struct signalfd_siginfo next(int fd)
{
	struct signalfd_siginfo si;

	CHECK(read(fd, &si, sizeof(si)) == sizeof(si));
	return si;
}

static void end_of_child(int fd)
{
	struct signalfd_siginfo si;
	pid_t pid = fork();

	if (!pid)
		_exit(7);
	si = next(fd);
	CHECK(si.ssi_signo == SIGCHLD && si.ssi_code == CLD_EXITED && (pid_t)si.ssi_pid == pid &&
	      si.ssi_status == 7);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

/* The descriptor has the signals of whoever reads it. */
static void child_reads_its_own(int fd)
{
	pid_t pid;
	int status;

	CHECK(!raise(SIGUSR1));
	pid = fork();
	if (!pid) {
		struct signalfd_siginfo si;

		CHECK(!kill(getpid(), SIGRTMIN));
		si = next(fd);
		CHECK((int)si.ssi_signo == SIGRTMIN && (pid_t)si.ssi_pid == getpid());
		CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK));
		CHECK_FAILS(read(fd, &si, sizeof(si)), EAGAIN);
		CHECK(!fcntl(fd, F_SETFL, 0));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(next(fd).ssi_signo == SIGUSR1);
	CHECK(next(fd).ssi_signo == SIGCHLD);
}

static void talk(int fd)
{
	union sigval v = { .sival_int = 0 };
	pid_t parent = getpid(), pid = fork();
	int sum = 0;

	if (!pid) {
		/* Each answers the other. */
		for (int i = 0; i < 20; i++) {
			struct signalfd_siginfo si;

			v.sival_int = i;
			CHECK(!sigqueue(parent, SIGRTMIN, v));
			si = next(fd);
			CHECK((int)si.ssi_signo == SIGRTMIN && (pid_t)si.ssi_pid == parent && si.ssi_int == 2 * i);
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		struct signalfd_siginfo si = next(fd);

		CHECK((int)si.ssi_signo == SIGRTMIN && (pid_t)si.ssi_pid == pid && si.ssi_code == SI_QUEUE);
		sum += si.ssi_int;
		v.sival_int = 2 * si.ssi_int;
		CHECK(!sigqueue(pid, SIGRTMIN, v));
	}
	CHECK(next(fd).ssi_signo == SIGCHLD);
	CHECK(waitpid(pid, NULL, 0) == pid);
	printf("sum %d\n", sum);
}

static void fresh_program(int fd, const char *self)
{
	char number[16];
	int status;
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (!pid) {
		CHECK(!raise(SIGUSR1));
		CHECK_FAILS(execl("./none", "none", NULL), ENOENT);
		execl(self, self, number, NULL);
		_exit(99);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
	CHECK(next(fd).ssi_signo == SIGCHLD);
}

/* A child that reads SIGCONT is continued all the same. */
static void stopped(int fd)
{
	int status, pair[2];
	sigset_t set, was;
	char byte;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was) && !pipe(pair));
	pid = fork();
	if (!pid) {
		int conts = signalfd(-1, &set, 0);

		CHECK(conts >= 0 && write(pair[1], "x", 1) == 1);
		CHECK(next(conts).ssi_signo == SIGCONT);
		/* By its own doing, too: that forgets one that is pending. */
		CHECK(!raise(SIGSTOP));
		CHECK(next(conts).ssi_signo == SIGCONT);
		_exit(3);
	}
	CHECK(read(pair[0], &byte, 1) == 1);
	for (int i = 0; i < 2; i++) {
		if (!i)
			CHECK(!kill(pid, SIGSTOP));
		CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		CHECK(WSTOPSIG(status) == SIGSTOP);
		CHECK(!kill(pid, SIGCONT));
	}
	CHECK(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3);
	CHECK(next(fd).ssi_signo == SIGCHLD);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	close(pair[0]);
	close(pair[1]);
}

/* A descriptor that a child made and handed over has the signals of whoever reads it. */
static void handed_over(int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} c = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
			      .msg_controllen = sizeof(c) };
	sigset_t set, was;
	int pair[2], theirs;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		theirs = signalfd(-1, &set, 0);
		CHECK(theirs >= 0);
		memcpy(CMSG_DATA(&c.head), &theirs, sizeof(theirs));
		CHECK(sendmsg(pair[1], &msg, 0) == 1);
		_exit(0);
	}
	CHECK(recvmsg(pair[0], &msg, 0) == 1);
	memcpy(&theirs, CMSG_DATA(&c.head), sizeof(theirs));
	CHECK(!raise(SIGUSR2));
	CHECK(next(theirs).ssi_signo == SIGUSR2);
	CHECK(next(fd).ssi_signo == SIGCHLD && waitpid(pid, NULL, 0) == pid);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	close(theirs);
	close(pair[0]);
	close(pair[1]);
}

/* The mask, what is pending and the descriptor are the new program's, too. */
static int inherited(int fd)
{
	CHECK(next(fd).ssi_signo == SIGUSR1);
	CHECK(!kill(getpid(), SIGRTMIN));
	CHECK((int)next(fd).ssi_signo == SIGRTMIN);
	return 5;
}

int main(int argc, char **argv)
{
	const char *rounds = getenv("ABI_ROUNDS");
	sigset_t set;
	int fd;

	if (argc > 1)
		return inherited(atoi(argv[1]));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK(!sigprocmask(SIG_BLOCK, &set, NULL));
	fd = signalfd(-1, &set, 0);
	CHECK(fd >= 0);
	for (int i = rounds ? atoi(rounds) : 1; i > 0; i--) {
		end_of_child(fd);
		child_reads_its_own(fd);
		talk(fd);
		fresh_program(fd, argv[0]);
		stopped(fd);
		/* The last: it sends who reads home. */
		handed_over(fd);
	}
	printf("ok\n");
	return 0;
}
