/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every way into the kernel and out of it. All build a struct trapframe (trap.h) and call C:
 *   trap_stubs	  256 interrupt and exception entries -> trap_handle(tf)
 *   syscall_entry  the SYSCALL instruction		   -> trap_syscall(tf)
 *   syscall_entry32  the same in 32-bit code		   -> trap_no_syscall32(tf)
 *   trap_paranoid  NMI, double fault, machine check, on their own stacks -> trap_handle_ist(tf)
 * In the kernel GS holds struct percpu; user mode has its own base there, kept in KERNEL_GS_BASE
 * meanwhile. Interrupts are off in all of this file.
 */
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"

/* Offsets in struct trapframe, in bytes; trap.c checks them. */
#define TF_VECTOR 120
#define TF_CS 144
#define TF_SIZE 176

.macro SAVE_REGISTERS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro RESTORE_REGISTERS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
.endm

/* Three bytes of nothing that become CLAC where SMAP exists: user code chooses RFLAGS.AC. */
.macro CLEAR_AC
771:	.byte 0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.quad 771b, 1
	.popsection
.endm

	.section .text.entry, "ax"

	/* Vectors that push an error code: 8, 10-14, 17, 21, 29, 30. */
	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
	pushq $0
	.endif
	pushq $vector
	.if (vector == TRAP_NMI) || (vector == TRAP_DOUBLE_FAULT) || (vector == TRAP_MACHINE_CHECK)
	jmp trap_paranoid
	.else
	jmp trap_common
	.endif
	.set vector, vector + 1
	.endr

	.type trap_common, @function
trap_common:
	testb $3, 24(%rsp)		/* CS, above vector, error and RIP */
	jz 1f
	swapgs
1:	SAVE_REGISTERS
	cld
	CLEAR_AC
	testb $3, TF_CS(%rsp)
	jz 2f
	xorl %ebp, %ebp			/* backtraces end at the border to user mode */
2:	movq %rsp, %rdi
	call trap_handle
	.size trap_common, . - trap_common

	/* Back to where the frame at %rsp came from; user frames are checked by trap_exit_user(). */
	.globl trap_return
	.type trap_return, @function
trap_return:
	testb $3, TF_CS(%rsp)
	jz 1f
	swapgs
1:	RESTORE_REGISTERS
	addq $16, %rsp			/* vector, error */
	iretq
	.size trap_return, . - trap_return

	.globl syscall_entry
	.type syscall_entry, @function
syscall_entry:
	swapgs
	movq %rsp, %gs:PERCPU_USER_RSP
	movq %gs:PERCPU_KSTACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:PERCPU_USER_RSP
	pushq %r11
	pushq $USER_CS
	pushq %rcx
	pushq %rax			/* error: the number, which the result will overwrite in rax */
	pushq $TRAP_SYSCALL
	SAVE_REGISTERS
	xorl %ebp, %ebp
	movq %rsp, %rdi
	call trap_syscall
	testl %eax, %eax		/* SYSRET allowed? */
	jz trap_return
	RESTORE_REGISTERS
	/* rcx and r11 hold rip and rflags: trap_syscall() has seen to it. */
	movq 40(%rsp), %rsp
	swapgs
	sysretq
	.size syscall_entry, . - syscall_entry

	/* SYSCALL in 32-bit code, which only some CPUs have: treated as an illegal instruction. */
	.globl syscall_entry32
	.type syscall_entry32, @function
syscall_entry32:
	swapgs
	movq %rsp, %gs:PERCPU_USER_RSP
	movq %gs:PERCPU_KSTACK_TOP, %rsp
	pushq $USER_SS
	pushq %gs:PERCPU_USER_RSP
	pushq %r11
	pushq $USER32_CS
	pushq %rcx
	pushq $0
	pushq $TRAP_INVALID_OPCODE
	SAVE_REGISTERS
	xorl %ebp, %ebp
	movq %rsp, %rdi
	call trap_no_syscall32
	jmp trap_return
	.size syscall_entry32, . - syscall_entry32

	/*
	 * These may come between SYSCALL and SWAPGS, or after a user's WRGSBASE with any value, so
	 * neither CS nor GS tells whose GS it is. The CPU's pointer lies above the frame on the stack
	 * (gdt.c); the GS base found is put back at the end.
	 */
	.type trap_paranoid, @function
trap_paranoid:
	SAVE_REGISTERS
	cld
	CLEAR_AC
	movl $0xc0000101, %ecx		/* MSR_GS_BASE */
	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, %r12
	movq TF_SIZE(%rsp), %rax	/* struct percpu */
	movq %rax, %rdx
	shrq $32, %rdx
	wrmsr
	movq %rsp, %rdi
	call trap_handle_ist
	movq %r12, %rax
	movq %r12, %rdx
	shrq $32, %rdx
	movl $0xc0000101, %ecx
	wrmsr
	RESTORE_REGISTERS
	addq $16, %rsp
	iretq
	.size trap_paranoid, . - trap_paranoid

	/*
	 * struct thread *context_switch(prev, next): returns prev on next's stack, maybe much later and
	 * on another CPU. Offset 0 of struct thread is ksp.
	 */
	.globl context_switch
	.type context_switch, @function
context_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq (%rsi), %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	movq %rdi, %rax
	ret
	.size context_switch, . - context_switch

	/* First instruction of a new thread: context_switch() returns here with prev in rax. */
	.globl thread_start
	.type thread_start, @function
thread_start:
	xorl %ebp, %ebp
	movq %rax, %rdi
	pushq $0			/* ends backtraces; aligns the stack for the call */
	call thread_first_run
	ud2
	.size thread_start, . - thread_start

	/* jump_to_frame(tf): leave through a frame, forgetting the current stack's contents. */
	.globl jump_to_frame
	.type jump_to_frame, @function
jump_to_frame:
	movq %rdi, %rsp
	jmp trap_return
	.size jump_to_frame, . - jump_to_frame

	.section .note.GNU-stack, "", @progbits
