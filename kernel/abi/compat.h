/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What i386 programs have besides the calls of 64-bit ones. Private to kernel/. */
#ifndef KERNEL_ABI_COMPAT_H
#define KERNEL_ABI_COMPAT_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct trapframe;

/*
 * clone(2) with CLONE_SETTLS of an i386 program points to a struct user_desc. First: would it do? 0
 * or -errno. Then: the new thread gets it, in the caller's thread, before it runs; its first way to
 * user mode tells home.
 */
long compat_check_tls(uint64_t user_desc);
void compat_clone_tls(struct thread *child, uint64_t user_desc);
void compat_replay_tls(void);

/*
 * SYSENTER, or SYSCALL where the CPU has it there, in 32-bit code: the vDSO's ways into the kernel. True
 * when it was one, and the call has been made.
 */
bool compat_fast_call(struct trapframe *tf);

#endif
