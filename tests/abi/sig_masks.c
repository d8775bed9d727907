/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Masks and pending signals: order of delivery, queues of real-time signals, masks of handlers, and what fork
 * and execve make of all that.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static char order[64];
static volatile sig_atomic_t n;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	order[n++] = sig >= SIGRTMIN ? 'a' + (sig - SIGRTMIN) : sig == SIGUSR1 ? '1' : sig == SIGUSR2 ? '2' : 'C';
	if (si->si_code == SI_QUEUE)
		order[n++] = '0' + si->si_value.sival_int;
	order[n] = 0;
}

static void install(int sig, int flags, const sigset_t *mask)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | flags };

	if (mask)
		sa.sa_mask = *mask;
	CHECK(!sigaction(sig, &sa, NULL));
}

static void queue(int sig, int value)
{
	union sigval v = { .sival_int = value };

	CHECK(!sigqueue(getpid(), sig, v));
}

static void expect(const char *what)
{
	if (strcmp(order, what)) {
		printf("FAIL tests/abi/sig_masks.c: %s, not %s\n", order, what);
		fflush(stdout);
		_exit(1);
	}
	n = 0;
	order[0] = 0;
}

static void pending_order(void)
{
	sigset_t all, was, pend;

	sigfillset(&all);
	install(SIGUSR1, 0, &all);
	install(SIGUSR2, 0, &all);
	for (int i = 0; i < 4; i++)
		install(SIGRTMIN + i, 0, &all);
	CHECK(!sigprocmask(SIG_BLOCK, &all, &was));
	queue(SIGRTMIN + 2, 1);
	queue(SIGRTMIN + 1, 2);
	queue(SIGRTMIN + 2, 3);
	queue(SIGUSR2, 4);
	queue(SIGUSR2, 5);	/* pending once: this one is lost */
	CHECK(!kill(getpid(), SIGUSR1) && !kill(getpid(), SIGUSR1));
	queue(SIGRTMIN + 1, 6);
	CHECK(!sigpending(&pend));
	CHECK(sigismember(&pend, SIGUSR1) && sigismember(&pend, SIGUSR2) && sigismember(&pend, SIGRTMIN + 1) &&
	      sigismember(&pend, SIGRTMIN + 2) && !sigismember(&pend, SIGRTMIN + 3) && !sigismember(&pend, SIGHUP));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	/*
	 * Handlers that block all others run in order of number; each frame is pushed at once though when none is
	 * blocked: here they are.
	 */
	expect("12" "4" "b2b6c1c3");
	/* Without blocking in the handlers the last pushed runs first. */
	install(SIGUSR1, 0, NULL);
	install(SIGUSR2, 0, NULL);
	CHECK(!sigprocmask(SIG_BLOCK, &all, &was));
	CHECK(!kill(getpid(), SIGUSR2) && !kill(getpid(), SIGUSR1));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	expect("21");
	printf("order ok\n");
}

static void dispositions(void)
{
	sigset_t usr, was, pend;
	pid_t pid;
	int status;

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigaddset(&usr, SIGCHLD);
	install(SIGUSR1, 0, NULL);
	CHECK(!sigprocmask(SIG_BLOCK, &usr, &was));
	/* Ignoring it forgets what is pending. */
	CHECK(!raise(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	CHECK(!sigpending(&pend) && !sigismember(&pend, SIGUSR1));
	/* What is ignored but blocked is kept, in case a handler comes. */
	CHECK(!raise(SIGUSR1) && !sigpending(&pend));
	CHECK(sigismember(&pend, SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	/* A default action of ignoring forgets as well. */
	install(SIGCHLD, 0, NULL);
	CHECK(!raise(SIGCHLD));
	signal(SIGCHLD, SIG_DFL);
	CHECK(!sigpending(&pend) && !sigismember(&pend, SIGCHLD));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	expect("");

	/* A child has no pending signals, but mask and handlers. */
	install(SIGUSR1, 0, NULL);
	CHECK(!sigprocmask(SIG_BLOCK, &usr, &was) && !raise(SIGUSR1));
	pid = fork();
	if (!pid) {
		CHECK(!sigpending(&pend) && !sigismember(&pend, SIGUSR1));
		CHECK(!raise(SIGUSR1) && !sigprocmask(SIG_SETMASK, &was, NULL));
		expect("1");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	expect("1");
	signal(SIGUSR1, SIG_DFL);
	printf("dispositions ok\n");
}

/* What is left after execve: mask, pending and ignored signals; no handlers. Told by exit status. */
static int executed(void)
{
	struct sigaction sa;
	sigset_t mask, pend;
	int bits = 0;

	CHECK(!sigprocmask(SIG_BLOCK, NULL, &mask) && !sigpending(&pend));
	bits |= sigismember(&mask, SIGUSR1) ? 1 : 0;
	bits |= sigismember(&pend, SIGUSR1) ? 2 : 0;
	CHECK(!sigaction(SIGUSR2, NULL, &sa));
	bits |= sa.sa_handler == SIG_IGN ? 4 : 0;
	CHECK(!sigaction(SIGUSR1, NULL, &sa));
	bits |= sa.sa_handler == SIG_DFL ? 8 : 0;
	bits |= sigismember(&pend, SIGRTMIN) ? 16 : 0;
	return bits;
}

static void over_exec(void)
{
	sigset_t set;
	pid_t pid;
	int status;

	pid = fork();
	if (!pid) {
		install(SIGUSR1, 0, NULL);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigaddset(&set, SIGRTMIN);
		CHECK(!sigprocmask(SIG_BLOCK, &set, NULL) && !raise(SIGUSR1) && !kill(getpid(), SIGRTMIN));
		CHECK(!setenv("SIG_MASKS", "executed", 1));
		execl("/proc/self/exe", "sig_masks", (char *)NULL);
		_exit(99);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WEXITSTATUS(status) == 31);
	printf("execve ok\n");
}

static void test(void)
{
	if (getenv("SIG_MASKS"))
		_exit(executed());
	fflush(stdout);
	pending_order();
	dispositions();
	fflush(stdout);
	over_exec();
	/* SIGKILL and SIGSTOP cannot be blocked or handled. */
	sigset_t all, now;

	sigfillset(&all);
	CHECK(!sigprocmask(SIG_BLOCK, &all, &now) && !sigprocmask(SIG_SETMASK, &now, &all));
	CHECK(!sigismember(&all, SIGKILL) && !sigismember(&all, SIGSTOP) && sigismember(&all, SIGTERM));
	struct sigaction sa = { .sa_handler = SIG_IGN };
	CHECK_FAILS(sigaction(SIGKILL, &sa, NULL), EINVAL);
	CHECK_FAILS(sigaction(SIGSTOP, &sa, NULL), EINVAL);
	CHECK_FAILS(sigaction(65, &sa, NULL), EINVAL);
	CHECK_FAILS(syscall(SYS_rt_sigprocmask, 7, &now, NULL, 8), EINVAL);
	CHECK_FAILS(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &now, NULL, 4), EINVAL);
	printf("masks ok\n");
}
