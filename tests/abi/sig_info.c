/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a handler learns in its siginfo, for each way in which a signal comes to be. */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t seen;
static siginfo_t last;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	last = *si;
	seen++;
}

static void install(int sig)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	CHECK(!sigaction(sig, &sa, NULL));
	seen = 0;
	memset(&last, 0, sizeof(last));
}

static void await(void)
{
	sigset_t none;

	sigemptyset(&none);
	while (!seen)
		sigsuspend(&none);
}

static int from_me(int sig, int code)
{
	return seen && last.si_signo == sig && last.si_code == code && last.si_errno == 0 &&
	       last.si_pid == getpid() && last.si_uid == getuid();
}

static void senders(void)
{
	union sigval v = { .sival_ptr = (void *)0x123456789abcul };
	siginfo_t own = { .si_code = -42 };
	pid_t child, parent = getpid();
	int status;

	install(SIGUSR1);
	CHECK(!kill(getpid(), SIGUSR1) && from_me(SIGUSR1, SI_USER));
	install(SIGUSR1);
	CHECK(!raise(SIGUSR1) && from_me(SIGUSR1, SI_TKILL));
	install(SIGRTMIN + 3);
	CHECK(!sigqueue(getpid(), SIGRTMIN + 3, v) && from_me(SIGRTMIN + 3, SI_QUEUE));
	CHECK(last.si_value.sival_ptr == v.sival_ptr);
	/* To oneself anything may be claimed. */
	install(SIGUSR2);
	own.si_pid = 4711;
	own.si_value.sival_int = 12;
	CHECK(!syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR2, &own));
	CHECK(seen == 1 && last.si_code == -42 && last.si_pid == 4711 && last.si_value.sival_int == 12);
	own.si_code = -43;
	CHECK(!syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), SIGUSR2, &own));
	CHECK(seen == 2 && last.si_code == -43 && last.si_signo == SIGUSR2);

	/* From another process: its pid; and nobody may claim to be the kernel. */
	for (int how = 0; how < 3; how++) {
		sigset_t set, was;

		install(SIGUSR1);
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
		child = fork();
		if (!child) {
			own.si_code = SI_USER;
			CHECK_FAILS(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &own), EPERM);
			own.si_code = SI_TKILL;
			CHECK_FAILS(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &own), EPERM);
			v.sival_ptr = NULL;
			v.sival_int = 77;
			switch (how) {
			case 0:
				CHECK(!kill(parent, SIGUSR1));
				break;
			case 1:
				CHECK(!sigqueue(parent, SIGUSR1, v));
				break;
			case 2:
				CHECK(!syscall(SYS_tgkill, parent, parent, SIGUSR1));
				break;
			}
			_exit(0);
		}
		await();
		CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
		CHECK(last.si_pid == child && last.si_uid == getuid());
		CHECK(last.si_code == (how == 0 ? SI_USER : how == 1 ? SI_QUEUE : SI_TKILL));
		CHECK(how != 1 || last.si_value.sival_int == 77);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	printf("senders ok\n");
}

static void kernel_made(void)
{
	struct itimerval it = { .it_value = { 0, 10000 } };
	struct itimerspec its = { .it_value = { 0, 10000000 } };
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
				.sigev_value.sival_ptr = (void *)0x7777000011112222ul };
	timer_t timer;
	sigset_t set, was;
	int fd[2];
	char c;

	sigfillset(&set);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	install(SIGALRM);
	CHECK(!setitimer(ITIMER_REAL, &it, NULL));
	await();
	CHECK(last.si_signo == SIGALRM && last.si_code == SI_KERNEL && last.si_pid == 0);
	install(SIGRTMIN + 1);
	CHECK(!timer_create(CLOCK_MONOTONIC, &sev, &timer));
	CHECK(!timer_settime(timer, 0, &its, NULL));
	await();
	CHECK(last.si_code == SI_TIMER && last.si_value.sival_ptr == sev.sigev_value.sival_ptr);
	CHECK(last.si_overrun == 0);
	CHECK(!timer_delete(timer));
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));

	install(SIGPIPE);
	CHECK(!pipe(fd));
	close(fd[0]);
	CHECK_FAILS(write(fd[1], "x", 1), EPIPE);
	CHECK(from_me(SIGPIPE, SI_USER));
	close(fd[1]);

	/* O_ASYNC: the descriptor and what happened to it. */
	CHECK(!pipe(fd));
	install(SIGRTMIN + 2);
	CHECK(!fcntl(fd[0], F_SETSIG, SIGRTMIN + 2));
	CHECK(!fcntl(fd[0], F_SETOWN, getpid()));
	CHECK(!fcntl(fd[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	CHECK(write(fd[1], "x", 1) == 1);
	await();
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	CHECK(last.si_signo == SIGRTMIN + 2 && last.si_code == POLL_IN && last.si_fd == fd[0]);
	CHECK(read(fd[0], &c, 1) == 1);
	close(fd[0]);
	close(fd[1]);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	printf("the kernel's own ok\n");
}

static void child_says(int code, int status, pid_t child)
{
	await();
	CHECK(last.si_signo == SIGCHLD && last.si_code == code && last.si_status == status);
	CHECK(last.si_pid == child && last.si_uid == getuid());
	seen = 0;
}

static void children(void)
{
	sigset_t set, was;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	install(SIGCHLD);
	child = fork();
	if (!child)
		_exit(41);
	child_says(CLD_EXITED, 41, child);
	CHECK(waitpid(child, NULL, 0) == child);
	child = fork();
	if (!child)
		for (;;)
			pause();
	CHECK(!kill(child, SIGSTOP));
	child_says(CLD_STOPPED, SIGSTOP, child);
	CHECK(!kill(child, SIGCONT));
	child_says(CLD_CONTINUED, SIGCONT, child);
	CHECK(!kill(child, SIGTERM));
	child_says(CLD_KILLED, SIGTERM, child);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	signal(SIGCHLD, SIG_DFL);
	printf("children ok\n");
}

static void test(void)
{
	senders();
	kernel_made();
	children();
}
