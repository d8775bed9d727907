/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU data, reached through GS while in the kernel. A pointer from this_cpu() is stable until
 * the thread blocks (kernel code is not preempted). Fields are written by their own CPU only,
 * except where a comment says otherwise.
 */
#ifndef KERNEL_CPU_PERCPU_H
#define KERNEL_CPU_PERCPU_H

/* Offsets for assembly; checked against the struct in percpu.c. */
#define PERCPU_SELF 0
#define PERCPU_CURRENT 8
#define PERCPU_KSTACK_TOP 16
#define PERCPU_USER_RSP 24

/* xAPIC identifiers are 8 bits; more CPUs than this are reported and left alone. */
#define MAX_CPUS 256

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct mm;
struct cpu_tables;

struct percpu {
	struct percpu *self;
	struct thread *running;
	uint64_t kstack_top;	  /* where SYSCALL and user traps start their frame */
	uint64_t user_rsp;	  /* scratch of the SYSCALL entry */
	int id;			  /* 0 is the boot CPU; numbers have no gaps */
	uint32_t apic_id;
	uint32_t irq_depth;	  /* > 0 inside an interrupt handler */
	bool online;
	bool need_resched;	  /* also set by others, with an IPI */
	struct thread *idle_thread;
	struct thread *fpu_owner; /* whose xstate the registers hold */
	struct mm *active_mm;	  /* what CR3 holds; NULL for the kernel's own tables */
	struct cpu_tables *tables;/* GDT, TSS and the stacks of NMI and double fault */
	uint64_t irq_count, ipi_count, timer_count;
};

static inline struct percpu *this_cpu(void)
{
	struct percpu *p;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(p));
	return p;
}

static inline int cpu_id(void)
{
	return this_cpu()->id;
}

/* True inside an interrupt handler. */
static inline bool in_interrupt(void)
{
	return this_cpu()->irq_depth != 0;
}

/* CPUs that are online; their numbers are 0 .. cpu_count() - 1. */
int cpu_count(void);

/* NULL for a number that is not online. */
struct percpu *cpu_percpu(int cpu);

/* A set of CPUs. The operations on single bits are atomic. */
struct cpumask {
	uint64_t bits[MAX_CPUS / 64];
};

static inline void cpumask_set(struct cpumask *m, int cpu)
{
	__atomic_or_fetch(&m->bits[cpu / 64], 1ull << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear(struct cpumask *m, int cpu)
{
	__atomic_and_fetch(&m->bits[cpu / 64], ~(1ull << (cpu % 64)), __ATOMIC_SEQ_CST);
}

static inline bool cpumask_test(const struct cpumask *m, int cpu)
{
	return __atomic_load_n(&m->bits[cpu / 64], __ATOMIC_SEQ_CST) >> (cpu % 64) & 1;
}

/* The first CPU in m that is >= from, or -1. */
static inline int cpumask_next(const struct cpumask *m, int from)
{
	for (int word = from / 64; word < MAX_CPUS / 64; word++) {
		uint64_t bits = __atomic_load_n(&m->bits[word], __ATOMIC_SEQ_CST);

		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		if (bits)
			return word * 64 + __builtin_ctzll(bits);
	}
	return -1;
}

#define cpumask_for_each(cpu, m)                                                                   \
	for (int cpu = cpumask_next(m, 0); cpu >= 0;                                               \
	     cpu = cpu + 1 < MAX_CPUS ? cpumask_next(m, cpu + 1) : -1)

#endif
#endif
