/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restartable sequences: a critical section that is interrupted begins anew at its abort handler,
 * and the CPU number is one where the thread may run.
 */
#include <sched.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "tests/abi/abi.h"

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/*
 * Adds 1 to *counter by a load, a long pause and a store: who is interrupted in the pause has lost
 * its right to store. 0: done, 1: aborted.
 */
static int add_slowly(volatile long *counter, long pause)
{
	long left = pause, value;
	int aborted = 0;

	__asm__ volatile(
		".pushsection __rseq_cs, \"aw\"\n"
		".balign 32\n"
		"3: .long 0, 0\n"
		".quad 1f, 2f - 1f, 4f\n"
		".popsection\n"
		"leaq 3b(%%rip), %%rax\n"
		"movq %%rax, %[cs]\n"
		"1:\n"
		"movq (%[counter]), %[value]\n"
		"5: decq %[left]\n"
		"jnz 5b\n"
		"addq $1, %[value]\n"
		"movq %[value], (%[counter])\n"
		"2:\n"
		"jmp 6f\n"
		".long %c[sig]\n"
		"4:\n"
		"movl $1, %[aborted]\n"
		"6:\n"
		: [cs] "=m"(area()->rseq_cs), [left] "+r"(left), [value] "=&r"(value), [aborted] "+r"(aborted)
		: [counter] "r"(counter), [sig] "i"(RSEQ_SIG)
		: "rax", "memory", "cc");
	return aborted;
}

static volatile sig_atomic_t alarms;
static volatile long shared;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
	shared++;	/* what the section would overwrite if it went on */
}

static void signals_abort(void)
{
	struct itimerval fast = { { 0, 20000 }, { 0, 20000 } }, none = { { 0, 0 }, { 0, 0 } };
	long done = 0, aborted = 0;

	signal(SIGALRM, on_alarm);
	shared = 0;
	alarms = 0;
	CHECK(!setitimer(ITIMER_REAL, &fast, NULL));
	while (alarms < 5 || !aborted || !done) {
		long pause = aborted ? 1000 : 100000000;

		if (add_slowly(&shared, pause))
			aborted++;
		else
			done++;
	}
	CHECK(!setitimer(ITIMER_REAL, &none, NULL));
	signal(SIGALRM, SIG_DFL);
	CHECK(shared == done + alarms);
	CHECK(!area()->rseq_cs || !aborted || done);
}

static void undisturbed(void)
{
	volatile long n = 0;

	for (int i = 0; i < 1000; i++)
		while (add_slowly(&n, 10))
			;
	CHECK(n == 1000);
}

/* Others that want the CPU take it away in the middle, sooner or later. */
static void preemption_aborts(void)
{
	int ncpu = sysconf(_SC_NPROCESSORS_ONLN) + 1, aborted = 0, status;
	pid_t hog[64];
	volatile long n = 0;

	if (ncpu > 32)
		ncpu = 32;
	fflush(stdout);
	for (int i = 0; i < 2 * ncpu; i++) {
		hog[i] = fork();
		CHECK(hog[i] >= 0);
		if (!hog[i])
			for (;;)
				;
	}
	while (!aborted)
		aborted = add_slowly(&n, 50000000);
	for (int i = 0; i < 2 * ncpu; i++) {
		kill(hog[i], SIGKILL);
		CHECK(waitpid(hog[i], &status, 0) == hog[i]);
	}
}

static void numbers(void)
{
	cpu_set_t set, one;
	unsigned cpu, start, n;

	CHECK(!sched_getaffinity(0, sizeof(set), &set));
	for (int i = 0; i < 200; i++) {
		start = *(volatile unsigned *)&area()->cpu_id_start;
		cpu = *(volatile unsigned *)&area()->cpu_id;
		CHECK(CPU_ISSET(cpu, &set) && CPU_ISSET(start, &set));
		CHECK(!syscall(SYS_getcpu, &n, NULL, NULL) && CPU_ISSET(n, &set));
	}
	for (int c = 0; c < CPU_SETSIZE; c++) {
		if (!CPU_ISSET(c, &set))
			continue;
		CPU_ZERO(&one);
		CPU_SET(c, &one);
		CHECK(!sched_setaffinity(0, sizeof(one), &one));
		CHECK(sched_getcpu() == c);
		CHECK(!syscall(SYS_getcpu, &n, NULL, NULL) && (int)n == c);
		CHECK((int)*(volatile unsigned *)&area()->cpu_id == c);
	}
	CHECK(!sched_setaffinity(0, sizeof(set), &set));
}

/* A section of which the abort handler lacks the signature is a bug of the program's: SIGSEGV. */
static void bad_signature(void)
{
	static struct rseq_cs cs __attribute__((aligned(32)));
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		signal(SIGALRM, on_alarm);
		alarm(1);
		cs.start_ip = (uintptr_t)bad_signature & ~0xfffful;
		cs.post_commit_offset = 1 << 20;
		cs.abort_ip = (uintptr_t)&cs;
		area()->rseq_cs = (uintptr_t)&cs;
		for (;;)
			;
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void registration(void)
{
	struct rseq *r = area();
	int size = __rseq_size > 32 ? (int)__rseq_size : 32;

	CHECK_FAILS(syscall(SYS_rseq, r, size, 0, RSEQ_SIG), EBUSY);
	CHECK_FAILS(syscall(SYS_rseq, r, size, 0, RSEQ_SIG + 1), EPERM);
	CHECK_FAILS(syscall(SYS_rseq, r + 1, size, 0, RSEQ_SIG), EINVAL);
	CHECK_FAILS(syscall(SYS_rseq, r, size, 4, RSEQ_SIG), EINVAL);
	CHECK_FAILS(syscall(SYS_rseq, r, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG + 1), EPERM);
	CHECK(!syscall(SYS_rseq, r, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	CHECK(r->cpu_id == (uint32_t)RSEQ_CPU_ID_UNINITIALIZED && r->cpu_id_start == 0);
	CHECK_FAILS(syscall(SYS_rseq, r, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG), EINVAL);
	CHECK(!syscall(SYS_rseq, r, size, 0, RSEQ_SIG));
	CHECK((int)*(volatile unsigned *)&r->cpu_id >= 0);
}

static void test(void)
{
	CHECK(__rseq_size >= 20);
	undisturbed();
	signals_abort();
	preemption_aborts();
	numbers();
	bad_signature();
	registration();
	printf("restartable sequences ok\n");
}
