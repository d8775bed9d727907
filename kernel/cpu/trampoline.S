/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a further CPU begins: in real mode, at the start of a page below 640 KB. smp.c copies the
 * code there and fills in the words at its end. Runs from that copy, so addresses inside it are
 * reckoned from EBX, the page's own.
 */
#include "kernel/cpu/trap.h"

#define AT(label) ((label) - ap_trampoline)

	.section .rodata.trampoline, "a"
	.balign 16
	.globl ap_trampoline, ap_trampoline_end
	.globl ap_gdtr_base, ap_far32, ap_far64, ap_cr3, ap_efer, ap_stack, ap_percpu, ap_entry
	.code16
ap_trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	movzwl %ax, %ebx
	shll $4, %ebx
	lgdtl AT(ap_gdtr)
	movl $0x11, %eax		/* PE, ET; caches on */
	movl %eax, %cr0
	ljmpl *AT(ap_far32)

	.code32
ap_start32:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $0x20, %eax		/* PAE */
	movl %eax, %cr4
	movl AT(ap_cr3)(%ebx), %eax
	movl %eax, %cr3
	movl AT(ap_efer)(%ebx), %eax	/* LME, and NXE: the kernel's tables have NX bits */
	xorl %edx, %edx
	movl $0xc0000080, %ecx
	wrmsr
	movl $0x80000011, %eax		/* PG */
	movl %eax, %cr0
	ljmpl *AT(ap_far64)(%ebx)

	.code64
ap_start64:
	movl %ebx, %ebx
	movq AT(ap_stack)(%rbx), %rsp
	movq AT(ap_percpu)(%rbx), %rdi
	movq AT(ap_entry)(%rbx), %rax
	xorl %ebp, %ebp
	pushq $0
	jmp *%rax

	.balign 8
ap_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad 0x00cf93000000ffff	/* 0x10: data */
	.quad 0x00af9b000000ffff	/* 0x18: 64-bit code */
ap_gdtr:
	.short ap_gdtr - ap_gdt - 1
ap_gdtr_base:
	.long AT(ap_gdt)		/* smp.c adds the page's address to these three */
ap_far32:
	.long AT(ap_start32)
	.short 0x08
	.balign 4
ap_far64:
	.long AT(ap_start64)
	.short 0x18
	.balign 8
ap_cr3:
	.long 0
ap_efer:
	.long 0
ap_stack:
	.quad 0
ap_percpu:
	.quad 0
ap_entry:
	.quad 0
ap_trampoline_end:

	.section .note.GNU-stack, "", @progbits
