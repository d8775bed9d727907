/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RLIMIT_CPU: what a process burns here is counted here. While there is a limit, its threads look at
 * each tick whether it is reached.
 */
#ifndef KERNEL_PROC_CPULIMIT_H
#define KERNEL_PROC_CPULIMIT_H

#include "kernel/proc/proc.h"

/* proc->rlim has been set: with proc->lock held, or before the process runs. */
void cpulimit_changed(struct proc *proc);

/* On the way to user mode, current thread: SIGXCPU or SIGKILL when it is time. May sleep. */
void cpulimit_check(void);

#endif
