/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Home's CPU numbers and priorities, on the CPUs of this node: see vcpu.h. */
#include "kernel/proc/vcpu.h"

#include <string.h>

#include "kernel/cpu/percpu.h"
#include "kernel/guest/session.h"
#include "kernel/time/clock.h"

#define CPUS_MAX (64 * WIRE_CPUSET_WORDS)

/* sched(7) */
#define POLICY_FIFO  1
#define POLICY_RR    2
#define POLICY_IDLE  5
#define POLICY_RESET 0x40000000u /* on fork */

#define SLICE_NICE0_NS (10 * NSEC_PER_MSEC)
#define SLICE_MIN_NS   (NSEC_PER_MSEC / 2)
#define SLICE_MAX_NS   (40 * NSEC_PER_MSEC)

static unsigned home_cpus(const struct proc *proc)
{
	unsigned n = proc->session->home.ncpu;

	return n < 1 ? 1 : n > CPUS_MAX ? CPUS_MAX : n;
}

/* The first of its numbers that is >= from, or CPUS_MAX. */
static unsigned next_cpu(const struct uthread *u, unsigned from)
{
	for (unsigned word = from / 64; word < WIRE_CPUSET_WORDS; word++) {
		uint64_t bits = u->cpus[word];

		if (word == from / 64)
			bits &= ~0ull << (from % 64);
		if (bits)
			return word * 64 + __builtin_ctzll(bits);
	}
	return CPUS_MAX;
}

#define for_each_cpu_of(u, v) \
	for (unsigned v = next_cpu(u, 0); v < CPUS_MAX; v = next_cpu(u, v + 1))

/* How many of this node's CPUs a process with several threads uses. */
static unsigned spread(const struct proc *proc)
{
	unsigned home = home_cpus(proc), here = cpu_count();

	return home < here ? home : here;
}

/* Which CPU here stands for home's number v; pids spread processes over a larger node. */
static unsigned cpu_of(const struct proc *proc, unsigned v)
{
	return (proc->pid + v % spread(proc)) % cpu_count();
}

/* Where its threads may run. With proc->lock held, or not yet running. */
static void place(struct uthread *u, bool alone)
{
	struct cpumask cpus = { { 0 } };
	unsigned n = 0;

	if (!alone) {
		for_each_cpu_of(u, v) {
			unsigned cpu = cpu_of(u->thread->proc, v);

			n += !cpumask_test(&cpus, cpu);
			cpumask_set(&cpus, cpu);
		}
	}
	thread_bind(u->thread, alone || n == (unsigned)cpu_count() ? NULL : &cpus);
	/* The number that it has been told may be another's now. */
	if (u->rseq_addr)
		thread_set_work(u->thread, PROC_WORK_RSEQ);
}

static void place_all(struct proc *proc)
{
	struct uthread *u;

	list_for_each_entry(u, &proc->threads, link)
		place(u, proc->nthreads == 1);
}

void vcpu_joined(struct proc *proc, struct uthread *u)
{
	if (proc->nthreads == 2)
		place_all(proc);
	else
		place(u, proc->nthreads == 1);
}

void vcpu_left(struct proc *proc)
{
	if (proc->nthreads == 1)
		place_all(proc);
}

void vcpu_set_cpus(struct uthread *u, const uint64_t cpus[WIRE_CPUSET_WORDS])
{
	uint64_t any = 0;

	for (unsigned i = 0; i < WIRE_CPUSET_WORDS; i++)
		any |= cpus[i];
	/* More CPUs than can be told: then it is as if it might run on all. */
	if (any)
		memcpy(u->cpus, cpus, sizeof(u->cpus));
	place(u, u->thread->proc->nthreads <= 1);
}

void vcpu_set_priority(struct uthread *u, int nice, unsigned policy)
{
	unsigned class = policy & ~POLICY_RESET;
	uint64_t slice = SLICE_NICE0_NS;

	u->nice = nice;
	u->policy = policy;
	u->thread->realtime = class == POLICY_FIFO || class == POLICY_RR;
	if (class == POLICY_IDLE)
		nice = 19;
	/* As much as on Linux: a step is a quarter more or a fifth less. */
	for (; nice < 0 && slice < SLICE_MAX_NS; nice++)
		slice += slice / 4;
	for (; nice > 0 && slice > SLICE_MIN_NS; nice--)
		slice -= slice / 5;
	u->thread->slice_ns = slice < SLICE_MIN_NS ? SLICE_MIN_NS : slice;
}

void vcpu_init(struct uthread *u)
{
	unsigned n = home_cpus(u->thread->proc);

	for (unsigned v = 0; v < n; v++)
		u->cpus[v / 64] |= 1ull << (v % 64);
}

void vcpu_arrive(struct uthread *u, const struct wire_sched *sched)
{
	vcpu_set_cpus(u, sched->cpus);
	vcpu_set_priority(u, sched->nice, sched->policy);
}

void vcpu_inherit(struct uthread *child, const struct uthread *parent)
{
	bool reset = parent->policy & POLICY_RESET;
	int nice = reset && parent->nice < 0 ? 0 : parent->nice;

	memcpy(child->cpus, parent->cpus, sizeof(child->cpus));
	if (reset && parent->thread->realtime)
		vcpu_set_priority(child, 0, 0);
	else
		vcpu_set_priority(child, nice, parent->policy & ~POLICY_RESET);
}

unsigned vcpu_number(void)
{
	const struct uthread *u = current_user;
	const struct proc *proc = current_proc;
	unsigned cpu = cpu_id(), n = 0, nth = 0;
	bool alone = proc->nthreads <= 1;

	for_each_cpu_of(u, v) {
		if (!alone && cpu_of(proc, v) == cpu)
			return v;
		n++;
	}
	/* Alone, it is anywhere: any of its numbers is as good, the same one for the same CPU. */
	for_each_cpu_of(u, v)
		if (nth++ == cpu % n)
			return v;
	return 0;
}

unsigned vcpu_index(void)
{
	const struct proc *proc = current_proc;
	unsigned here = cpu_count();

	return proc->nthreads <= 1 ? 0 : (cpu_id() + here - proc->pid % here) % here;
}
