/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Affinity: how many CPUs a program counts, and that it runs where it may, also after fork and execve. */
#include <sched.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#define ABI_OWN_MAIN
#include "tests/abi/abi.h"

static int run(char *const argv[], void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		if (fn)
			fn();
		if (argv)
			execvp(argv[0], argv);
		_exit(argv ? 127 : 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static cpu_set_t all;
static int last;

static void where_it_may(void)
{
	unsigned cpu, node;

	for (int i = 0; i < 100; i++) {
		CHECK(!syscall(SYS_getcpu, &cpu, &node, NULL) && CPU_ISSET(cpu, &all));
		CHECK(CPU_ISSET(sched_getcpu(), &all));
	}
	CHECK(!syscall(SYS_getcpu, NULL, NULL, NULL));
	CHECK_FAILS(syscall(SYS_getcpu, 8, NULL, NULL), EFAULT);
}

static void pin(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(last, &one);
	CHECK(!sched_setaffinity(0, sizeof(one), &one));
	CHECK(sched_getcpu() == last);
}

static void pinned_child(void)
{
	pin();
	CHECK(run(NULL, NULL) == 0);
	CHECK(sched_getcpu() == last);
}

/* By the parent, while it runs. */
static void of_another(void)
{
	cpu_set_t one, got;
	int go[2], status;
	char c;
	pid_t pid;

	CHECK(!pipe(go));
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(read(go[0], &c, 1) == 1);
		CHECK(!sched_getaffinity(0, sizeof(got), &got) && CPU_COUNT(&got) == 1);
		_exit(sched_getcpu() == last ? 0 : 1);
	}
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	CHECK(!sched_setaffinity(pid, sizeof(one), &one));
	CHECK(!sched_getaffinity(pid, sizeof(got), &got) && CPU_EQUAL(&one, &got));
	CHECK(write(go[1], "x", 1) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(!close(go[0]) && !close(go[1]));
	CHECK_FAILS(sched_setaffinity(pid, sizeof(one), &one), ESRCH);
}

int main(int argc, char **argv)
{
	char exe[4096] = { 0 };
	char *again[] = { exe, "pinned", NULL };
	cpu_set_t got;

	if (argc > 1) {
		CHECK(!sched_getaffinity(0, sizeof(got), &got) && CPU_COUNT(&got) == 1);
		CHECK(CPU_ISSET(sched_getcpu(), &got));
		return 33;
	}
	(void)argv;
	CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	for (unsigned i = 0; i < abi_rounds(); i++) {
		CHECK(!sched_getaffinity(0, sizeof(all), &all));
		for (int c = 0; c < CPU_SETSIZE; c++)
			if (CPU_ISSET(c, &all))
				last = c;
		printf("%d CPUs, %ld online, %ld configured, %d\n", CPU_COUNT(&all),
		       sysconf(_SC_NPROCESSORS_ONLN), sysconf(_SC_NPROCESSORS_CONF), get_nprocs());
		fflush(stdout);
		CHECK(!system("nproc; grep -c ^processor /proc/cpuinfo; grep Cpus_allowed_list /proc/self/status"));
		where_it_may();
		CHECK(run(NULL, pinned_child) == 0);
		CHECK(run(again, pin) == 33);
		of_another();
		CHECK(!sched_getaffinity(0, sizeof(got), &got) && CPU_EQUAL(&all, &got));
		CHECK_FAILS(sched_getaffinity(0, 4, &got), EINVAL);
		CHECK_FAILS(syscall(SYS_sched_getaffinity, 0, sizeof(got), 8), EFAULT);
		CPU_ZERO(&got);
		CHECK_FAILS(sched_setaffinity(0, sizeof(got), &got), EINVAL);
	}
	printf("affinity ok\n");
	return 0;
}
