/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The front: what the shell sees of a job. See front.h. */
#include "userland/deputy/front.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userland/deputy/deputy.h"

static int sock = -1;

static void say(const char *text)
{
	fprintf(stderr, "mosrun: %s\n", text);
}

/* Dies of the program's signal, leaving no core of our own. */
static void __attribute__((noreturn)) die_as(int status)
{
	static const struct rlimit none;
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	sig = WTERMSIG(status);
	fflush(NULL);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + sig);
}

/* Stops as the program did; returns when continued. */
static void stop_as(int sig)
{
	sigset_t set;

	if (sig == SIGSTOP) {
		raise(SIGSTOP);
		return;
	}
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	kill(getpid(), sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void to_deputy(int kind, int value, pid_t sender)
{
	struct front_msg msg = { .kind = kind, .value = value, .sender = sender };

	if (send(sock, &msg, sizeof(msg), MSG_NOSIGNAL) < 0)
		return; /* the deputy has ended: the end of the socket tells next */
}

static void on_signal(int sigfd)
{
	struct signalfd_siginfo info;

	if (read(sigfd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
	case SIGTTIN:
	case SIGTTOU:
	case SIGPIPE:
		return;
	}
	/*
	 * The terminal's signals go to the whole group: the program has got its own. But a hangup is
	 * told to the session's leader alone, which we are if the terminal runs nothing but us.
	 */
	if (info.ssi_code == SI_KERNEL && info.ssi_signo != SIGHUP)
		return;
	to_deputy(FRONT_SIGNAL, (int)info.ssi_signo, (pid_t)info.ssi_pid);
}

/* Handles all messages there are; stops only if the last word is that the program is stopped. */
static void on_messages(void)
{
	struct front_msg msg;
	int stop = 0;

	for (;;) {
		ssize_t n = recv(sock, &msg, sizeof(msg), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		/* The deputy ended without reading our last word; its own last one is still there. */
		if (n < 0 && errno == ECONNRESET)
			continue;
		if (n != sizeof(msg)) {
			say("the deputy of this job has died; the job's processes ended with it");
			exit(MOSRUN_EXIT_FAILED);
		}
		msg.text[sizeof(msg.text) - 1] = 0;
		switch (msg.kind) {
		case FRONT_ENDED:
			die_as(msg.value);
		case FRONT_STOPPED:
			stop = msg.value;
			break;
		case FRONT_CONTINUED:
			stop = 0;
			to_deputy(FRONT_AWAKE, 0, 0);
			break;
		case FRONT_SAY:
			say(msg.text);
			break;
		case FRONT_FAILED:
			say(msg.text);
			exit(MOSRUN_EXIT_FAILED);
		}
	}
	if (stop)
		stop_as(stop);
}

int fd_above_stdio(int fd)
{
	int copy;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return copy;
}

void front_run(const struct job *job)
{
	sigset_t all, was;
	int pair[2], sigfd;
	pid_t deputy;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		fprintf(stderr, "mosrun: socketpair: %s\n", strerror(errno));
		exit(MOSRUN_EXIT_FAILED);
	}
	pair[0] = fd_above_stdio(pair[0]);
	pair[1] = fd_above_stdio(pair[1]);
	deputy = fork();
	if (deputy < 0) {
		fprintf(stderr, "mosrun: fork: %s\n", strerror(errno));
		exit(MOSRUN_EXIT_FAILED);
	}
	if (!deputy) {
		close(pair[0]);
		deputy_main(job, pair[1]);
	}
	close(pair[1]);
	sock = pair[0];

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &was);
	/* An ignored signal would never show: the front has to see what it passes on. */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigfd = fd_above_stdio(signalfd(-1, &all, SFD_CLOEXEC));
	/* Someone who reads our standard output waits for the program, not for us. */
	if (close(STDIN_FILENO) || close(STDOUT_FILENO))
		errno = 0;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = sock, .events = POLLIN },
			{ .fd = sigfd, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			on_signal(sigfd);
		if (fds[0].revents)
			on_messages();
	}
}
