/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever a child dies of, its parent sees just that; also what it did to itself with the CPU. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static void die(int how)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	switch (how) {
	case -1:
		*(volatile int *)8 = 1;
		break;
	case -2:
		__asm__ volatile("cltd\n idivl %1" : : "a"(1), "r"(0) : "edx");
		break;
	case -3:
		__asm__ volatile("ud2");
		break;
	case -4:
		__asm__ volatile("int3");
		break;
	case -5:
		abort();
	case -6:
		__asm__ volatile("hlt");
		break;
	default:
		signal(how, SIG_DFL);	/* a background job may have inherited SIG_IGN */
		raise(how);
	}
	_exit(0);
}

static void test(void)
{
	const struct {
		int how, sig;
	} deaths[] = {
		{ -1, SIGSEGV }, { -2, SIGFPE }, { -3, SIGILL }, { -4, SIGTRAP }, { -5, SIGABRT },
		{ -6, SIGSEGV }, { SIGKILL, SIGKILL }, { SIGTERM, SIGTERM }, { SIGINT, SIGINT },
		{ SIGPIPE, SIGPIPE }, { SIGALRM, SIGALRM }, { SIGUSR1, SIGUSR1 },
		{ SIGRTMAX, SIGRTMAX }, { SIGCHLD, 0 }, { SIGURG, 0 }, { SIGWINCH, 0 },
	};

	for (unsigned i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
		int status;
		pid_t pid;

		fflush(stdout);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			die(deaths[i].how);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (deaths[i].sig)
			CHECK(WIFSIGNALED(status) && WTERMSIG(status) == deaths[i].sig);
		else
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		printf("%d ", status & 0x7f);
	}
	printf("deaths ok\n");
}
