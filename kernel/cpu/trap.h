/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entering and leaving the kernel: the saved registers, and the hooks that the user side of the
 * kernel implements. One layout serves system calls, exceptions and interrupts; for user threads
 * it always lies at the top of the thread's kernel stack (thread_trapframe()).
 */
#ifndef KERNEL_CPU_TRAP_H
#define KERNEL_CPU_TRAP_H

/* Segment selectors as Linux has them: programs see them in signal frames and ptrace. */
#define KERNEL_CS 0x08
#define KERNEL_SS 0x10
#define USER32_CS 0x23 /* of 32-bit code; also what SYSRET counts from */
#define USER_SS 0x2b
#define USER_CS 0x33

#define TRAP_DIVIDE 0
#define TRAP_DEBUG 1
#define TRAP_NMI 2
#define TRAP_BREAKPOINT 3
#define TRAP_OVERFLOW 4
#define TRAP_BOUND 5
#define TRAP_INVALID_OPCODE 6
#define TRAP_NO_FPU 7
#define TRAP_DOUBLE_FAULT 8
#define TRAP_INVALID_TSS 10
#define TRAP_NO_SEGMENT 11
#define TRAP_STACK 12
#define TRAP_PROTECTION 13
#define TRAP_PAGE_FAULT 14
#define TRAP_X87 16
#define TRAP_ALIGNMENT 17
#define TRAP_MACHINE_CHECK 18
#define TRAP_SIMD 19

#define VECTOR_IRQ_BASE 0x20	/* 16 legacy lines */
#define VECTOR_INT80 0x80	/* system calls of 32-bit programs */
#define VECTOR_TIMER 0xf0
#define VECTOR_RESCHED 0xf1
#define VECTOR_IPI_CALL 0xf2
#define VECTOR_SPURIOUS 0xff
#define TRAP_SYSCALL 0x100	/* trapframe.vector of a system call */
#define TRAP_SYSCALL32 0x102	/* of one made by int 0x80; proc.h has 0x101 */

#define PF_PRESENT (1 << 0)
#define PF_WRITE (1 << 1)
#define PF_USER (1 << 2)
#define PF_RESERVED (1 << 3)
#define PF_INSTRUCTION (1 << 4)

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

/*
 * For a system call, rax is both number on entry and result on return; error keeps the number
 * (Linux's orig_rax), with SYS_I386 for one made by int 0x80. rcx and r11 hold what SYSCALL put there (rip and rflags).
 * Any register may be changed by kernel code; the way back to user mode honours all of them.
 */
struct trapframe {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi;
	uint64_t vector;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};

static inline bool trap_from_user(const struct trapframe *tf)
{
	return (tf->cs & 3) != 0;
}

/* Do these registers belong to the end of a system call? */
static inline bool trap_is_syscall(const struct trapframe *tf)
{
	return tf->vector == TRAP_SYSCALL || tf->vector == TRAP_SYSCALL32;
}

/* Makes a system call of 32-bit code with the number in eax: int 0x80, and what replaces it. */
void trap_syscall32(struct trapframe *tf);

/* IDT and the SYSCALL registers of this CPU. */
void trap_init(void);
void trap_init_cpu(void);

/*
 * Hooks, with weak defaults in trap.c. All run in thread context on the thread's own stack with
 * interrupts enabled and may sleep, except where noted.
 */

/*
 * A page fault in user mode, or in the kernel at a user address (err without PF_USER): a copy to
 * or from user memory. False: not resolved. A kernel fault then goes to the exception table
 * (EXTABLE() below), else it is fatal; for a user fault the hook has done all (signal, retreat)
 * and the result is ignored. In the kernel case interrupts are as they were at the fault.
 */
bool user_page_fault(struct trapframe *tf, uint64_t addr, uint64_t err);

/* Any other exception from user mode; tf->vector and tf->error say which. */
void user_exception(struct trapframe *tf);

/* A system call. The result goes to tf->rax. */
void syscall_dispatch(struct trapframe *tf);

/*
 * Before a return to user mode while current->work is not 0. Called with interrupts off; may
 * enable them and sleep. Must clear the bits it served, or it is called again at once.
 */
void return_to_user_work(struct trapframe *tf);

#endif

/*
 * Exception table: when the instruction at `insn` faults and nobody resolves it, execution goes on
 * at `fixup`. For use inside asm, with local labels.
 */
#ifdef __ASSEMBLER__
#define EXTABLE(insn, fixup)                                                                       \
	.pushsection .ex_table, "a"; .balign 8; .quad insn, fixup; .popsection
#else
#define EXTABLE(insn, fixup)                                                                       \
	".pushsection .ex_table, \"a\"\n\t.balign 8\n\t.quad " #insn ", " #fixup "\n\t.popsection\n\t"
#endif

#endif
