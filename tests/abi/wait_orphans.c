/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who becomes the parent of orphans: a subreaper that asked for it; PR_SET_PDEATHSIG; orphaned stopped groups. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t hups, conts;

static void on_hup(int sig)
{
	if (sig == SIGHUP)
		hups++;
	else
		conts++;
}

static void subreaper(void)
{
	int fd[2], status, on = 0;
	pid_t kid, grandkid, me = getpid();

	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1) && !prctl(PR_GET_CHILD_SUBREAPER, &on) && on == 1);
	CHECK(!pipe(fd));
	kid = fork();
	if (!kid) {
		grandkid = fork();
		if (!grandkid) {
			/* Until the middle one has gone. */
			while (getppid() != me)
				usleep(1000);
			_exit(12);
		}
		CHECK(write(fd[1], &grandkid, sizeof(grandkid)) == sizeof(grandkid));
		_exit(11);
	}
	CHECK(read(fd[0], &grandkid, sizeof(grandkid)) == sizeof(grandkid));
	CHECK(waitpid(kid, &status, 0) == kid && WEXITSTATUS(status) == 11);
	CHECK(waitpid(grandkid, &status, 0) == grandkid && WEXITSTATUS(status) == 12);
	close(fd[0]);
	close(fd[1]);
	printf("subreaper ok\n");
}

static void death_signal(void)
{
	int fd[2], status, sig = 0;
	pid_t kid, grandkid;

	CHECK(!pipe(fd));
	kid = fork();
	if (!kid) {
		grandkid = fork();
		if (!grandkid) {
			CHECK(!prctl(PR_SET_PDEATHSIG, SIGTERM));
			CHECK(!prctl(PR_GET_PDEATHSIG, &sig) && sig == SIGTERM);
			grandkid = getpid();
			CHECK(write(fd[1], &grandkid, sizeof(grandkid)) == sizeof(grandkid));
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	CHECK(read(fd[0], &grandkid, sizeof(grandkid)) == sizeof(grandkid));
	CHECK(!kill(kid, SIGKILL));
	CHECK(waitpid(kid, &status, 0) == kid && WTERMSIG(status) == SIGKILL);
	CHECK(waitpid(grandkid, &status, 0) == grandkid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(fd[0]);
	close(fd[1]);
	printf("death of the parent ok\n");
}

/* A group that becomes orphaned while one of it is stopped gets SIGHUP and SIGCONT. */
static void orphaned_group(void)
{
	struct sigaction sa = { .sa_handler = on_hup };
	int fd[2], status;
	pid_t kid, grandkid;
	char c;

	CHECK(!pipe(fd));
	kid = fork();
	if (!kid) {
		/* A session of its own: who takes over the orphan is in another. */
		CHECK(setsid() > 0);
		grandkid = fork();
		if (!grandkid) {
			CHECK(!setpgid(0, 0));
			hups = conts = 0;
			CHECK(!sigaction(SIGHUP, &sa, NULL) && !sigaction(SIGCONT, &sa, NULL));
			raise(SIGSTOP);
			while (!hups || !conts)
				usleep(1000);
			CHECK(write(fd[1], "c", 1) == 1);
			_exit(0);
		}
		CHECK(waitpid(grandkid, &status, WUNTRACED) == grandkid && WIFSTOPPED(status));
		_exit(0);
	}
	CHECK(waitpid(kid, &status, 0) == kid && status == 0);
	CHECK(read(fd[0], &c, 1) == 1 && c == 'c');
	CHECK(wait(&status) > 0 && status == 0);
	close(fd[0]);
	close(fd[1]);
	printf("orphaned group ok\n");
}

static void test(void)
{
	int status;
	pid_t kid = fork();

	/* In a child: a subreaper's grandchildren must not meet the next round. */
	if (!kid) {
		CHECK(setsid() > 0);
		subreaper();
		death_signal();
		orphaned_group();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(kid, &status, 0) == kid && status == 0);
}
