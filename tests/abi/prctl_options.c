/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prctl(2): what is set is told again, what fork and execve keep of it, and the errors. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/child.h"

static char exe[4096];

static void again(const char *what)
{
	execl(exe, exe, what, NULL);
	_exit(127);
}

static void own_name(char name[17])
{
	int fd = open("/proc/self/comm", O_RDONLY);
	ssize_t n = read(fd, name, 16);

	CHECK(n > 0 && !close(fd));
	name[n - 1] = 0;
}

static void name(void)
{
	char got[17] = { 0 }, comm[17];

	CHECK(!prctl(PR_SET_NAME, "a name longer than fits"));
	CHECK(!prctl(PR_GET_NAME, got) && !strcmp(got, "a name longer t"));
	own_name(comm);
	CHECK(!strcmp(comm, "a name longer t"));
	CHECK_FAILS(prctl(PR_SET_NAME, 8), EFAULT);
	CHECK_FAILS(prctl(PR_GET_NAME, 8), EFAULT);
	again("name");
}

static void death_signal(void)
{
	int sig = -1;

	CHECK(!prctl(PR_GET_PDEATHSIG, &sig) && sig == 0);
	CHECK(!prctl(PR_SET_PDEATHSIG, SIGUSR1));
	CHECK(!prctl(PR_GET_PDEATHSIG, &sig) && sig == SIGUSR1);
	CHECK_FAILS(prctl(PR_SET_PDEATHSIG, 999), EINVAL);
	CHECK(!prctl(PR_SET_PDEATHSIG, 0) && !prctl(PR_GET_PDEATHSIG, &sig) && !sig);
}

static void no_new_privs_kept(void)
{
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	again("nnp");
}

static void no_new_privs(void)
{
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL);
	CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK_FAILS(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK(in_child(no_new_privs_kept) == CHILD_EXITS(33));
}

static void slack(void)
{
	int old = prctl(PR_GET_TIMERSLACK);

	CHECK(old > 0);
	CHECK(!prctl(PR_SET_TIMERSLACK, 12345) && prctl(PR_GET_TIMERSLACK) == 12345);
	CHECK(!prctl(PR_SET_TIMERSLACK, 0) && prctl(PR_GET_TIMERSLACK) == old);
}

static void subreaper(void)
{
	int on = -1;

	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &on) && on == 0);
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 7));
	CHECK(!prctl(PR_GET_CHILD_SUBREAPER, &on) && on == 1);
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 0));
}

static void dumpable(void)
{
	CHECK(prctl(PR_GET_DUMPABLE) == 1);
	CHECK(!prctl(PR_SET_DUMPABLE, 1) && prctl(PR_GET_DUMPABLE) == 1);
	CHECK_FAILS(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK(!prctl(PR_SET_DUMPABLE, 0) && prctl(PR_GET_DUMPABLE) == 0);
	CHECK(!prctl(PR_SET_DUMPABLE, 1) && prctl(PR_GET_DUMPABLE) == 1);
}

static void huge_pages(void)
{
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
	CHECK(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) && prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	CHECK(!prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	CHECK_FAILS(prctl(PR_SET_THP_DISABLE, 1, 1, 1, 1), EINVAL);
}

static void misc(void)
{
	unsigned mode = 0;

	CHECK(prctl(PR_GET_TIMING) == 0 && !prctl(PR_SET_TIMING, 0));
	CHECK_FAILS(prctl(PR_SET_TIMING, 1), EINVAL);
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	CHECK(!prctl(PR_GET_TSC, &mode) && mode == PR_TSC_ENABLE);
	CHECK(!prctl(PR_SET_TSC, PR_TSC_ENABLE));
	CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_DEFAULT);
	CHECK(prctl(PR_GET_SPECULATION_CTRL, PR_SPEC_STORE_BYPASS, 0, 0, 0) >= 0);
	CHECK_FAILS(prctl(PR_GET_SPECULATION_CTRL, 77, 0, 0, 0), ENODEV);
	CHECK_FAILS(prctl(PR_SET_ENDIAN, 0), EINVAL);
	CHECK_FAILS(prctl(PR_GET_UNALIGN, &mode), EINVAL);
	CHECK_FAILS(prctl(PR_GET_FPEMU, &mode), EINVAL);
	CHECK_FAILS(prctl(123456, 0, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_MM, 99, 0, 0, 0) == -1 && (errno == EPERM || errno == EINVAL));
	CHECK(!prctl(PR_TASK_PERF_EVENTS_DISABLE) && !prctl(PR_TASK_PERF_EVENTS_ENABLE));
	CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 0 || errno == EPERM);
}

/* SIGSEGV where the TSC may not be read. */
static void tsc_forbidden(void)
{
	CHECK(!prctl(PR_SET_TSC, PR_TSC_SIGSEGV));
	__builtin_ia32_rdtsc();
}

static int after_exec(const char *what)
{
	char got[17] = { 0 };

	if (!strcmp(what, "name")) {
		CHECK(!prctl(PR_GET_NAME, got) && !strncmp(got, strrchr(exe, '/') + 1, 15));
		return 33;
	}
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return 33;
}

int main(int argc, char **argv)
{
	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	if (argc > 1)
		return after_exec(argv[1]);
	for (unsigned i = 0; i < abi_rounds(); i++) {
		CHECK(in_child(name) == CHILD_EXITS(33));
		CHECK(in_child(death_signal) == CHILD_OK);
		CHECK(in_child(no_new_privs) == CHILD_OK);
		CHECK(in_child(slack) == CHILD_OK);
		CHECK(in_child(subreaper) == CHILD_OK);
		CHECK(in_child(dumpable) == CHILD_OK);
		CHECK(in_child(huge_pages) == CHILD_OK);
		CHECK(in_child(misc) == CHILD_OK);
		CHECK(in_child(tsc_forbidden) == SIGSEGV);
	}
	printf("prctl ok\n");
	return 0;
}
