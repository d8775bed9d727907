/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What faults do in a kernel that has no guests: defaults that kernel/proc and kernel/guest
 * replace.
 */
#include "kernel/cpu/trap.h"
#include "kernel/kprintf.h"
#include "kernel/mm/mm.h"

__attribute__((weak)) void user_fault_signal(struct trapframe *tf, int signo, int code,
					     uint64_t addr)
{
	panic_trap(tf, "signal %d (code %d) at %llx and nobody to send it", signo, code,
		   (unsigned long long)addr);
}

__attribute__((weak)) void user_out_of_memory(struct trapframe *tf)
{
	panic_trap(tf, "no memory for a guest and nobody to send it home");
}

__attribute__((weak)) void user_fault_remote(struct trapframe *tf, uint64_t addr)
{
	panic_trap(tf, "access to memory at home, %llx, and nobody to send it there",
		   (unsigned long long)addr);
}

__attribute__((weak)) bool guest_memory_pressure(void)
{
	return false;
}

__attribute__((weak)) bool user_thread_killed(void)
{
	return false;
}
