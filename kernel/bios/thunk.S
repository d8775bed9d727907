/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From 64-bit mode to real mode, one BIOS call, and back. bios.c copies this to a page below 640 KB
 * and fills in the words at its end; addresses inside it are reckoned from EBX, the page's own, and in
 * 16-bit code from the segments' base, which is the same. Interrupts are off but for the call itself.
 */
#include "kernel/bios/thunk.h"

#define AT(label) ((label) - bios_thunk)

#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080

#define SEL_CODE64 0x08
#define SEL_DATA32 0x10
#define SEL_CODE16 0x18
#define SEL_DATA16 0x20
#define SEL_CODE32 0x28

	.text
	.code64
/* bios_enter(uint8_t *page, uint32_t page_pa, uint64_t boot_cr3). CR3, CR4 and the stack are restored,
 * and EFER; tables and segments are not. */
	.globl bios_enter
	.type bios_enter, @function
bios_enter:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %cr3, %rax
	movq %rax, AT(saved_cr3)(%rdi)
	movq %cr4, %rax
	movq %rax, AT(saved_cr4)(%rdi)
	movq %cr0, %rax
	movq %rax, AT(saved_cr0)(%rdi)
	movq %rsp, AT(saved_rsp)(%rdi)
	leaq 1f(%rip), %rax
	movq %rax, AT(saved_rip)(%rdi)
	movl $MSR_EFER, %ecx
	movq %rdx, %r8
	rdmsr
	andl $~(1 << 10), %eax		/* LMA is the CPU's to set */
	movl %eax, AT(saved_efer)(%rdi)
	sidt AT(saved_idtr)(%rdi)
	/* The start-up tables map the page where it is, and the kernel. */
	movq %r8, %cr3
	movl %esi, %ebx
	jmp *%rbx
1:	movq %rax, %cr3			/* these map the stack, and the page no longer */
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size bios_enter, . - bios_enter

	.section .rodata.bios_thunk, "a"
	.balign 16
	.globl bios_thunk, bios_thunk_end, bios_thunk_regs
	.globl bios_gdt_code16, bios_gdt_data16, bios_gdtr_base
	.globl bios_far32, bios_far32_back, bios_far64, bios_far_real, bios_cr3
	.code64
bios_thunk:
	lgdt AT(gdtr)(%rbx)
	ljmpl *AT(bios_far32)(%rbx)

	/* Paging off ends long mode (Intel SDM vol. 3A, 10.8.5.4); then PAE and LME may go. */
	.code32
thunk32:
	movl $SEL_DATA32, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl $MSR_EFER, %ecx
	xorl %eax, %eax
	xorl %edx, %edx
	wrmsr
	movl %eax, %cr4
	ljmpl $SEL_CODE16, $AT(thunk16)

	/* Real mode keeps the limits that the segments had last: 64 KB. */
	.code16
thunk16:
	movw $SEL_DATA16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw %ax, %fs
	movw %ax, %gs
	lidtl AT(real_idtr)
	movl $0x10, %eax		/* ET: as after a reset, caches on */
	movl %eax, %cr0
	ljmpw *AT(bios_far_real)

thunk_real:
	movw %cs, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	xorw %ax, %ax
	movw %ax, %fs
	movw %ax, %gs
	movl $BIOS_STACK_END, %esp
	xorl %ebp, %ebp
	movl AT(bios_thunk_regs) + 0, %eax
	movl AT(bios_thunk_regs) + 4, %ebx
	movl AT(bios_thunk_regs) + 8, %ecx
	movl AT(bios_thunk_regs) + 12, %edx
	movl AT(bios_thunk_regs) + 16, %esi
	movl AT(bios_thunk_regs) + 20, %edi
	sti
	int $0x13
	cli
	cld
	movl %eax, %cs:AT(bios_thunk_regs) + 0
	movl %ebx, %cs:AT(bios_thunk_regs) + 4
	movl %ecx, %cs:AT(bios_thunk_regs) + 8
	movl %edx, %cs:AT(bios_thunk_regs) + 12
	setc %cs:AT(bios_thunk_regs) + 24

	movw %cs, %ax
	movw %ax, %ds
	movzwl %ax, %ebx
	shll $4, %ebx
	lgdtl AT(gdtr)
	movl $0x11, %eax		/* PE, ET */
	movl %eax, %cr0
	ljmpl *AT(bios_far32_back)

	.code32
thunk32_back:
	movl $SEL_DATA32, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl AT(bios_cr3)(%ebx), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	movl AT(saved_efer)(%ebx), %eax
	xorl %edx, %edx
	wrmsr
	movl AT(saved_cr0)(%ebx), %eax
	movl %eax, %cr0
	ljmpl *AT(bios_far64)(%ebx)

	.code64
thunk64_back:
	movl %ebx, %ebx
	movq AT(saved_cr4)(%rbx), %rax
	movq %rax, %cr4
	lidt AT(saved_idtr)(%rbx)
	movq AT(saved_rsp)(%rbx), %rsp
	movq AT(saved_rip)(%rbx), %rdx
	movq AT(saved_cr3)(%rbx), %rax
	jmp *%rdx

	.balign 8
thunk_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08: 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10: data, all 4 GB */
bios_gdt_code16:
	.quad 0x00009b000000ffff	/* 0x18: 16-bit code; bios.c adds the page's address */
bios_gdt_data16:
	.quad 0x000093000000ffff	/* 0x20: 16-bit data; the same */
	.quad 0x00cf9b000000ffff	/* 0x28: 32-bit code */
gdtr:
	.short gdtr - thunk_gdt - 1
bios_gdtr_base:
	.quad AT(thunk_gdt)		/* the page's address is added to this and the next three */
	.balign 4
bios_far32:
	.long AT(thunk32)
	.short SEL_CODE32
	.balign 4
bios_far32_back:
	.long AT(thunk32_back)
	.short SEL_CODE32
	.balign 4
bios_far64:
	.long AT(thunk64_back)
	.short SEL_CODE64
	.balign 4
bios_far_real:
	.short AT(thunk_real)
	.short 0			/* the page's segment */
	.balign 4
real_idtr:
	.short 0x3ff
	.long 0
	.balign 8
bios_cr3:
	.long 0
saved_efer:
	.long 0
saved_cr0:
	.quad 0
saved_cr3:
	.quad 0
saved_cr4:
	.quad 0
saved_rsp:
	.quad 0
saved_rip:
	.quad 0
saved_idtr:
	.skip 10
	.balign 8
bios_thunk_regs:
	.skip 32
bios_thunk_end:

	.section .note.GNU-stack, "", @progbits
