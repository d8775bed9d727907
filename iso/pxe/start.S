/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PXE loader's entry, its calls of BIOS and PXE, and the jump into the kernel. Real mode, all
 * segments 0 (see pxe.ld for the map), so that C (gcc -m16) can use plain pointers.
 *
 * The ROM enters with a far call: ES:BX = PXENV+, and the far address of !PXE above the return
 * address (PXE Specification 2.1, 4.4.5).
 */
	.code16
	.section .start, "ax"
	.globl	_start
_start:
	movw	%sp, %bp
	movw	%ss, %ax
	movw	%ax, %fs
	xorw	%cx, %cx
	movw	%cx, %ds
	movw	%bx, pxe_found
	movw	%es, pxe_found + 2
	movl	%fs:4(%bp), %eax
	movl	%eax, pxe_found + 4
	/* Some ROMs enter at 07c0:0000. */
	ljmpw	$0, $1f
1:	cli
	movw	%cx, %ss
	movl	$stack_top, %esp
	sti
	cld
	movw	%cx, %es
	movl	$bss_start, %edi
	movl	$bss_end, %ecx
	subw	%di, %cx
	xorb	%al, %al
	rep stosb
	calll	loader_main
2:	hlt
	jmp	2b

	/* unsigned pxe_call(unsigned function, void *params): PXE's exit code. */
	.globl	pxe_call
pxe_call:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movl	20(%esp), %ebx
	movl	24(%esp), %edi
	/* !PXE reads the stack; PXENV+ of older ROMs reads BX and ES:DI. Both are set. */
	pushw	%es
	pushw	%di
	pushw	%bx
	lcallw	*pxe_entry
	addw	$6, %sp
	jmp	restore

	/* unsigned bios_call(unsigned number, struct bios_regs *regs): the flags afterwards. */
	.globl	bios_call
bios_call:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	movb	20(%esp), %al
	movb	%al, 1f + 1
	movl	24(%esp), %ebp
	movl	(%ebp), %eax
	movl	4(%ebp), %ebx
	movl	8(%ebp), %ecx
	movl	12(%ebp), %edx
	movl	16(%ebp), %esi
	movl	20(%ebp), %edi
	/*
	 * The number is written into the instruction; the jump empties old CPUs' prefetch queues.
	 */
	jmp	1f
1:	int	$0
	pushfl
	/*
	 * Some BIOSes spoil ebp; the address is still among our arguments: above flags, 4
	 * registers, return.
	 */
	movl	%esp, %ebp
	movl	%ss:28(%ebp), %ebp
	movl	%eax, %ss:(%ebp)
	movl	%ebx, %ss:4(%ebp)
	movl	%ecx, %ss:8(%ebp)
	movl	%edx, %ss:12(%ebp)
	popl	%eax
restore:
	cld
	sti
	xorw	%cx, %cx
	movw	%cx, %ds
	movw	%cx, %es
	movzwl	%ax, %eax
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	retl

	/* void copy_far(void *to, unsigned segment, unsigned offset, unsigned bytes) */
	.globl	copy_far
copy_far:
	pushl	%esi
	pushl	%edi
	movl	12(%esp), %edi
	movl	20(%esp), %esi
	movl	24(%esp), %ecx
	movw	16(%esp), %ds
	addr32 rep movsb
	xorw	%cx, %cx
	movw	%cx, %ds
	popl	%edi
	popl	%esi
	retl

	/*
	 * void enter_kernel(uint32_t entry, uint32_t magic, void *info): Multiboot's machine state.
	 */
	.globl	enter_kernel
enter_kernel:
	cli
	movl	4(%esp), %edi
	movl	8(%esp), %eax
	movl	12(%esp), %ebx
	lgdtl	gdt_pointer
	movl	%cr0, %ecx
	orb	$1, %cl
	movl	%ecx, %cr0
	ljmpl	$8, $1f
	.code32
1:	movl	$16, %ecx
	movl	%ecx, %ds
	movl	%ecx, %es
	movl	%ecx, %fs
	movl	%ecx, %gs
	movl	%ecx, %ss
	jmp	*%edi

	.section .data
	.balign	8
gdt:	.quad	0
	.quad	0x00cf9a000000ffff	/* code, 0-4 GB */
	.quad	0x00cf92000000ffff	/* data, 0-4 GB */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	/* Not in bss, which is cleared after they are set. */
	.globl	pxe_found, pxe_entry
pxe_found:
	.long	0, 0		/* far addresses of PXENV+ and of !PXE */
pxe_entry:
	.long	0
