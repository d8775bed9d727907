/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of CPUs.
 */
#include "kernel/cpu/percpu.h"

#include <stddef.h>

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/x86.h"

_Static_assert(offsetof(struct percpu, self) == PERCPU_SELF, "entry.S");
_Static_assert(offsetof(struct percpu, running) == PERCPU_CURRENT, "entry.S");
_Static_assert(offsetof(struct percpu, kstack_top) == PERCPU_KSTACK_TOP, "entry.S");
_Static_assert(offsetof(struct percpu, user_rsp) == PERCPU_USER_RSP, "entry.S");

static struct percpu boot_cpu;
static struct percpu *cpus[MAX_CPUS];
static int online;

void percpu_init_boot(void)
{
	boot_cpu.self = &boot_cpu;
	boot_cpu.online = true;
	cpus[0] = &boot_cpu;
	online = 1;
	percpu_load(&boot_cpu);
}

void percpu_load(struct percpu *pc)
{
	wrmsr(MSR_GS_BASE, (uint64_t)pc);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/* Numbers are given in the order of coming online, so that they have no gaps. */
void percpu_online(struct percpu *pc)
{
	cpus[pc->id] = pc;
	pc->online = true;
	__atomic_store_n(&online, pc->id + 1, __ATOMIC_SEQ_CST);
}

int cpu_count(void)
{
	return __atomic_load_n(&online, __ATOMIC_SEQ_CST);
}

struct percpu *cpu_percpu(int cpu)
{
	return cpu >= 0 && cpu < cpu_count() ? cpus[cpu] : NULL;
}
