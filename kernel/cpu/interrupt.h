/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of kernel/cpu: who handles which vector.
 */
#ifndef KERNEL_CPU_INTERRUPT_H
#define KERNEL_CPU_INTERRUPT_H

#include <stdint.h>

struct trapframe;

/* irq.c: any vector from VECTOR_IRQ_BASE on; acknowledges it. */
void interrupt_handle(unsigned vector);

/* time/timer.c: the CPU's timer has fired. */
void timer_interrupt(void);

/* entry.S: leaves through tf. */
void jump_to_frame(struct trapframe *tf) __attribute__((noreturn));

/* trap.c: the way to user mode for a thread that is in the kernel. */
void trap_enter_user(struct trapframe *tf) __attribute__((noreturn));

#endif
