/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timer_create(2) and its family: signals with values, intervals and overruns, absolute times, no notification. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t seen;
static volatile int value;

static void tick(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	CHECK(si->si_code == SI_TIMER);
	value = si->si_value.sival_int;
	seen++;
}

static void await(int n)
{
	sigset_t none;

	sigemptyset(&none);
	while (seen < n)
		sigsuspend(&none);
}

static void by_clock(clockid_t clock)
{
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
				.sigev_value.sival_int = 100 + clock };
	struct itimerspec its = { { 0, 5000000 }, { 0, 5000000 } }, now, old;
	timer_t t;

	seen = 0;
	CHECK(!timer_create(clock, &sev, &t));
	CHECK(!timer_gettime(t, &now) && !now.it_value.tv_sec && !now.it_value.tv_nsec);
	CHECK(!timer_settime(t, 0, &its, NULL));
	await(3);
	CHECK(value == 100 + clock);
	CHECK(!timer_gettime(t, &now) && now.it_interval.tv_nsec == 5000000);
	its = (struct itimerspec){ { 0, 0 }, { 1000, 0 } };
	CHECK(!timer_settime(t, 0, &its, &old) && old.it_interval.tv_nsec == 5000000);
	CHECK(!timer_gettime(t, &now) && now.it_value.tv_sec > 500 && now.it_value.tv_sec <= 1000);
	/* An absolute time that has passed. */
	seen = 0;
	CHECK(!clock_gettime(clock, &its.it_value));
	CHECK(!timer_settime(t, TIMER_ABSTIME, &its, NULL));
	await(1);
	CHECK(!timer_gettime(t, &now) && !now.it_value.tv_sec && !now.it_value.tv_nsec);
	CHECK(!timer_delete(t));
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = tick, .sa_flags = SA_SIGINFO };
	struct sigevent sev = { .sigev_notify = SIGEV_NONE };
	struct itimerspec its = { { 0, 1000000 }, { 0, 1000000 } };
	struct timespec ts = { .tv_nsec = 50000000 };
	sigset_t set, was;
	siginfo_t si;
	timer_t t;
	pid_t pid;
	int status, times;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGALRM);
	CHECK(!sigprocmask(SIG_BLOCK, &set, &was));
	CHECK(!sigaction(SIGRTMIN, &sa, NULL));
	by_clock(CLOCK_REALTIME);
	by_clock(CLOCK_MONOTONIC);
	by_clock(CLOCK_BOOTTIME);
	/* Before Linux 6.13 a signal that was queued outlives its timer. */
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0 }) > 0)
		;
	/* Without a sigevent: SIGALRM, once for many expirations. */
	CHECK(!timer_create(CLOCK_MONOTONIC, NULL, &t));
	CHECK(!timer_settime(t, 0, &its, NULL));
	CHECK(!nanosleep(&ts, NULL));
	times = 0;
	while (sigtimedwait(&set, &si, &(struct timespec){ 0 }) > 0) {
		CHECK(si.si_signo == SIGALRM && si.si_code == SI_TIMER && timer_getoverrun(t) >= 0);
		times += si.si_overrun + 1;
	}
	CHECK(!timer_delete(t) && times > 5);
	while (sigtimedwait(&set, NULL, &(struct timespec){ 0 }) > 0)
		;
	/* Nobody is told; it runs all the same. */
	CHECK(!timer_create(CLOCK_MONOTONIC, &sev, &t));
	its = (struct itimerspec){ { 0, 0 }, { 0, 1000000 } };
	CHECK(!timer_settime(t, 0, &its, NULL));
	CHECK(!nanosleep(&ts, NULL));
	CHECK(!timer_gettime(t, &its) && !its.it_value.tv_sec && !its.it_value.tv_nsec);
	/* A child has none of its parent's. */
	pid = fork();
	if (!pid) {
		CHECK_FAILS(syscall(SYS_timer_delete, (long)t), EINVAL);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!timer_delete(t));
	CHECK_FAILS(timer_create(99, NULL, &t), EINVAL);
	sev.sigev_notify = SIGEV_SIGNAL;
	sev.sigev_signo = 99;
	CHECK_FAILS(timer_create(CLOCK_REALTIME, &sev, &t), EINVAL);
	CHECK(!sigprocmask(SIG_SETMASK, &was, NULL));
	printf("timers ok\n");
}
