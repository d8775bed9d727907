/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of guests. Private to kernel/abi/.
 *
 * dispatch.c finds who serves a call; forward.c carries it home as proto/syscalls.def describes; the
 * other files serve what the table calls LOCAL or SPLIT, one file per family.
 */
#ifndef KERNEL_ABI_ABI_H
#define KERNEL_ABI_ABI_H

#include <stdint.h>

#include "kernel/cpu/trap.h"
#include "kernel/proc/proc.h"
#include "proto/syscalls.h"

/*
 * Serves a call: returns what goes to rax, one of the restart codes, or RETREATED. Runs in the
 * caller's thread and may sleep. tf is for those that need more than the arguments.
 */
typedef long sys_fn(struct trapframe *tf, const uint64_t args[6]);

/* forward.c: executes the call at home, as its row in the table says. */
long forward(uint64_t nr, const uint64_t args[6]);

/* The same with plain values only, and without waiting. */
long home_call(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	       uint64_t a5);
void home_replay(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		 uint64_t a5);

/* For a call that this node does not serve in this form. */
long not_served(uint64_t nr, const char *form);

/* mask.c: the signal mask that belongs to a waiting call. 0 or -errno. */
long mask_begin(uint64_t set, uint64_t size);
/* After the call: puts the old mask back unless a handler is to run under the new one. */
void mask_end(long ret);

/* memory.c */
sys_fn sys_mmap, sys_munmap, sys_mprotect, sys_pkey_mprotect, sys_mremap, sys_madvise, sys_msync, sys_brk;
/* signal_calls.c */
sys_fn sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigpending;
sys_fn sys_rt_sigsuspend, sys_rt_sigtimedwait, sys_sigaltstack, sys_pause;
sys_fn sys_kill, sys_tkill, sys_tgkill, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo;
/* time_calls.c */
sys_fn sys_nanosleep, sys_clock_nanosleep, sys_clock_gettime, sys_gettimeofday, sys_time;
sys_fn sys_times, sys_getrusage, sys_getitimer, sys_setitimer, sys_timer_create;
sys_fn sys_poll, sys_restart_syscall;
/* process_calls.c */
sys_fn sys_getpid, sys_gettid, sys_exit, sys_exit_group, sys_sched_yield, sys_getcpu;
sys_fn sys_set_tid_address, sys_set_robust_list, sys_get_robust_list, sys_rseq, sys_futex;
sys_fn sys_arch_prctl, sys_personality, sys_prlimit64, sys_setrlimit, sys_setuid_family;
sys_fn sys_sockopt;
/* fork_calls.c, exec_calls.c */
sys_fn sys_fork, sys_vfork, sys_clone, sys_clone3, sys_execve, sys_execveat;

#endif
