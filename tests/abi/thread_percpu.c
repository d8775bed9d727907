/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads and CPU numbers: a counter for each CPU, added to by restartable sequences alone, loses
 * nothing, however many threads there are; a thread that is bound to a CPU is there; membarrier's commands.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include "tests/abi/abi.h"

#define THREADS 5
#define ROUNDS	20000
#define CPUS	1024

static struct {
	volatile long n;
	char pad[56];
} counters[CPUS];

static struct rseq *area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

/* Adds 1 to the counter of this CPU, if it still is this one's at the end; 0: done. */
static int add_here(unsigned cpu, long pause)
{
	volatile long *counter = &counters[cpu].n;
	long value;
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
		"cmpl %[cpu], %[now]\n"
		"jnz 4f\n"
		"movq (%[counter]), %[value]\n"
		"5: decq %[pause]\n"
		"jnz 5b\n"
		"addq $1, %[value]\n"
		"movq %[value], (%[counter])\n"
		"2:\n"
		"jmp 6f\n"
		".long %c[sig]\n"
		"4:\n"
		"movl $1, %[aborted]\n"
		"6:\n"
		: [cs] "=m"(area()->rseq_cs), [pause] "+r"(pause), [value] "=&r"(value),
		  [aborted] "+r"(aborted)
		: [counter] "r"(counter), [sig] "i"(RSEQ_SIG), [cpu] "r"(cpu), [now] "m"(area()->cpu_id)
		: "rax", "memory", "cc");
	return aborted;
}

static cpu_set_t all;

static void *adder(void *arg)
{
	long n = (long)arg;

	for (int i = 0; i < ROUNDS; i++)
		while (add_here(*(volatile unsigned *)&area()->cpu_id_start, i % 64 ? 20 : 2000))
			;
	CHECK(CPU_ISSET(sched_getcpu(), &all));
	return (void *)n;
}

static void *bound(void *arg)
{
	int cpu = (int)(long)arg;
	cpu_set_t one, got;
	unsigned now;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK(!pthread_setaffinity_np(pthread_self(), sizeof(one), &one));
	for (int i = 0; i < 200; i++) {
		CHECK(sched_getcpu() == cpu);
		CHECK(!syscall(SYS_getcpu, &now, NULL, NULL) && (int)now == cpu);
		if (i % 50 == 0)
			sched_yield();
	}
	CHECK(!pthread_getaffinity_np(pthread_self(), sizeof(got), &got) && CPU_EQUAL(&got, &one));
	return NULL;
}

static int membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0);
}

static void *barriers(void *arg)
{
	CHECK_FAILS(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
	for (int i = 0; i < 20; i++) {
		CHECK(!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
		CHECK(!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ));
		CHECK(!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE));
	}
	CHECK(!membarrier(MEMBARRIER_CMD_GLOBAL));
	return arg;
}

static void test(void)
{
	pthread_t t[THREADS + 1], b[8];
	long sum = 0;
	int nbound = 0, known = membarrier(MEMBARRIER_CMD_QUERY);

	CHECK(!sched_getaffinity(0, sizeof(all), &all));
	memset(counters, 0, sizeof(counters));
	CHECK(known & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
	CHECK(!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
	CHECK(!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ));
	CHECK(!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE));
	CHECK_FAILS(membarrier(1 << 30), EINVAL);
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, adder, (void *)i));
	CHECK(!pthread_create(&t[THREADS], NULL, barriers, NULL));
	for (int cpu = 0; cpu < CPU_SETSIZE && nbound < 8; cpu++)
		if (CPU_ISSET(cpu, &all))
			CHECK(!pthread_create(&b[nbound++], NULL, bound, (void *)(long)cpu));
	for (int i = 0; i <= THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	for (int i = 0; i < nbound; i++)
		CHECK(!pthread_join(b[i], NULL));
	for (int i = 0; i < CPUS; i++)
		sum += counters[i].n;
	printf("counted %ld\n", sum);
	CHECK(sum == (long)THREADS * ROUNDS);
}
