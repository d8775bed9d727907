/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between sched.c and thread.c.
 */
#ifndef KERNEL_PROC_SWITCH_H
#define KERNEL_PROC_SWITCH_H

struct thread;

/* Exchanges all state of this CPU; returns, on next's stack, the thread that ran before. */
struct thread *thread_switch(struct thread *prev, struct thread *next);

/* sched.c: releases prev after a switch. */
void finish_switch(struct thread *prev);

/* Hands a dead thread, off its CPU, to the reaper. */
void thread_reap(struct thread *t);

/* Panics when the end of t's kernel stack was overwritten. */
void thread_check_stack(const struct thread *t);

/* Starts the thread that frees dead ones. */
void thread_start_reaper(void);

#endif
