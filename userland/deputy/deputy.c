/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deputy's own life: it starts the program, traces it, and ends after its last process. */
#include "userland/deputy/deputy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/deputy/away.h"
#include "userland/deputy/baseline.h"
#include "userland/deputy/count.h"
#include "userland/deputy/front.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/session.h"
#include "userland/deputy/requests.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/lib/control.h"

static int debug_fd = -1;
static int front_fd = -1;
static struct watch child_watch;

void debug(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (debug_fd < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	dprintf(debug_fd, "deputy %d: %s\n", getpid(), text);
}

/* The front prints it and exits; the kernel kills the job with its tracer. */
void deputy_fatal(const char *fmt, ...)
{
	struct front_msg msg = { .kind = FRONT_FAILED };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg.text, sizeof(msg.text), fmt, ap);
	va_end(ap);
	debug("fatal: %s", msg.text);
	if (front_fd >= 0)
		send(front_fd, &msg, sizeof(msg), MSG_NOSIGNAL);
	_exit(1);
}

/* --- the program --- */

static void __attribute__((noreturn)) program(const struct job *job, int go, const sigset_t *mask)
{
	const char *name = job->argv[0];
	int err;
	char c;

	/* The deputy holds the other end until it traces us; if it dies before, so do we. */
	while (read(go, &c, 1) < 0 && errno == EINTR)
		;
	close(go);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(name, job->argv);
	err = errno;
	if (err == ENOENT)
		fprintf(stderr, "mosrun: %s: %s\n", name,
			strchr(name, '/') ? "No such file or directory" : "command not found");
	else
		fprintf(stderr, "mosrun: %s: %s\n", name, strerror(err));
	fflush(stderr);
	_exit(err == ENOENT || err == ENOTDIR ? 127 : 126);
}

/*
 * Forked before the deputy takes a process group of its own, so that the program is in mosrun's.
 * Its signal dispositions are mosrun's as they were, because nothing has changed them yet.
 */
static pid_t start_program(const struct job *job, int *go)
{
	int pipefd[2];
	sigset_t mask;
	pid_t pid;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	if (pipe2(pipefd, O_CLOEXEC))
		deputy_fatal("pipe: %s", strerror(errno));
	pipefd[0] = fd_above_stdio(pipefd[0]);
	pipefd[1] = fd_above_stdio(pipefd[1]);
	pid = fork();
	if (pid < 0)
		deputy_fatal("fork: %s", strerror(errno));
	if (!pid) {
		close(pipefd[1]);
		program(job, pipefd[0], &mask);
	}
	close(pipefd[0]);
	*go = pipefd[1];
	return pid;
}

/* --- the deputy --- */

/* Holds nothing that the job's users could wait for: pipes, terminals, folders to be unmounted. */
static void let_go_of_descriptors(int keep1, int keep2)
{
	int null = open("/dev/null", O_RDWR), lo = keep1 < keep2 ? keep1 : keep2;
	int hi = keep1 < keep2 ? keep2 : keep1;

	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	if (lo > 3)
		close_range(3, (unsigned)lo - 1, 0);
	if (hi > lo + 1)
		close_range((unsigned)lo + 1, (unsigned)hi - 1, 0);
	close_range((unsigned)hi + 1, ~0u, 0);
	if (chdir("/"))
		errno = 0;
}

/* Each process that is away takes some, however many there are. */
static void allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void on_children(struct watch *watch, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->fd, &info, sizeof(info)) == sizeof(info))
		;
	trace_poll();
}

static void watch_children(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	sigset_t all, chld;

	/*
	 * Whatever is sent to the deputy by accident must not end the job; SIGCHLD is what it lives
	 * on. SIGKILL remains, and then the kernel ends the job (PTRACE_O_EXITKILL).
	 */
	sigfillset(&all);
	for (unsigned i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(&all, faults[i]);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		if (sigismember(&all, sig))
			signal(sig, SIG_DFL);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	child_watch.fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	child_watch.fn = on_children;
	if (child_watch.fd < 0 || loop_watch(&child_watch, EPOLLIN))
		deputy_fatal("signalfd: %s", strerror(errno));
}

void deputy_main(const struct job *job, int front)
{
	char err_text[CONTROL_ERR_MAX];
	int go, err;
	pid_t pid;

	/* A folder named relative to where we are: where the program is, and the deputy soon no more. */
	control_dir(err_text);
	front_fd = front;
	if (getenv("MUSTER_DEBUG"))
		debug_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200);
	if (job->baseline)
		baseline_ask(job->cpu);
	pid = start_program(job, &go);
	setpgid(0, 0);
	prctl(PR_SET_NAME, "deputy");
	allow_many_descriptors();
	/* Kept: the socket, the pipe, and (for developers) standard error. */
	if (debug_fd < 0)
		let_go_of_descriptors(front, go);

	err = loop_init();
	if (err)
		deputy_fatal("epoll: %s", strerror(-err));
	watch_children();
	front_attach(front, job);
	front_set_main(pid);
	err = trace_seize(pid);
	if (err)
		deputy_fatal("cannot trace the program (ptrace: %s)%s", strerror(-err),
			     err == -EPERM ? "; is mosrun itself being traced, or Yama's "
					     "ptrace_scope 3?"
					   : "");
	requests_open();
	close(go);

	while (!trace_empty()) {
		loop_once();
		trace_poll();
		sessions_run();
	}
	requests_close();
	count_report();
	exit(0);
}
