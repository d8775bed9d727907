/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU numbers that a guest sees. They are home's, out of those where home lets the thread run: a
 * program has sized its tables by them. A process with one thread runs on any CPU of this node. The
 * threads of a larger one run on as many as home has, and two that run at the same time never see
 * the same number: per-CPU data of restartable sequences rests on that.
 *
 * Who may call: the thread itself, or its creator before it runs; what wants proc->lock, anybody.
 */
#ifndef KERNEL_PROC_VCPU_H
#define KERNEL_PROC_VCPU_H

#include "kernel/proc/proc.h"

/* What a thread has until home says otherwise: all of home's CPUs, nice 0. */
void vcpu_init(struct uthread *u);

/* As home said when the thread arrived. */
void vcpu_arrive(struct uthread *u, const struct wire_sched *sched);

/* A new thread or child has its creator's; its priority too, unless that is reset on fork. */
void vcpu_inherit(struct uthread *child, const struct uthread *parent);

/* Home has changed them: with proc->lock held. */
void vcpu_set_cpus(struct uthread *u, const uint64_t cpus[WIRE_CPUSET_WORDS]);
void vcpu_set_priority(struct uthread *u, int nice, unsigned policy);

/* The process has got one more thread, or has lost one: with proc->lock held. */
void vcpu_joined(struct proc *proc, struct uthread *u);
void vcpu_left(struct proc *proc);

/* The current thread's CPU, and its number among those the process uses (mm_cid of rseq). */
unsigned vcpu_number(void);
unsigned vcpu_index(void);

#endif
