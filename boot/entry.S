/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the loader to 64-bit C: Multiboot headers, the check for long mode, early page tables.
 *
 * The loader enters at _start in 32-bit protected mode without paging, EAX = magic, EBX = physical
 * address of its information (Multiboot Specification 3.2). Everything in .boot runs where it is
 * loaded; addresses of the kernel proper need KERNEL_BASE taken off until paging is on.
 *
 * Early mappings, all writable and executable, replaced by kmap_init(): physical 0-4 GB at 0 and at
 * DIRECT_MAP, 0-1 GB at KERNEL_BASE.
 */
#define KERNEL_BASE 0xffffffff80000000
#define PHYS(symbol) ((symbol) - KERNEL_BASE)

#define MB1_MAGIC 0x1badb002
/* Modules on page boundaries, tell memory, address fields are valid. The latter let QEMU, GRUB and
 * iPXE alike load this 64-bit ELF, which Multiboot 1 does not know, as a flat image. */
#define MB1_FLAGS 0x00010003
#define MB2_MAGIC 0xe85250d6

#define COM1	  0x3f8
#define VGA_TEXT  0xb8000
#define VGA_CELLS (80 * 25)
#define VGA_ATTR  0x1f

#define BOOT_STACK_SIZE 32768

	.section .boot, "ax"

	.balign 8
mb1_header:
	.long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long mb1_header, boot_load_start, boot_load_end, boot_bss_end, _start

	/* GRUB loads the ELF itself here. No framebuffer tag: text mode stays where there is one (BIOS),
	 * and GRUB hands over its framebuffer where there is none (UEFI). */
	.balign 8
mb2_header:
	.long MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + mb2_end - mb2_header)
	.short 6, 0		/* modules on page boundaries */
	.long 8
	.short 0, 0
	.long 8
mb2_end:

	.code32
	.globl _start
_start:
	cli
	cld
	movl %eax, %ebp			/* magic */
	movl %ebx, %edi			/* info; CPUID overwrites EBX */
	movl $PHYS(boot_stack_top), %esp

	/* CPUID exists if EFLAGS.ID (bit 21) can be changed (Intel SDM vol. 1, 20.1). */
	pushfl
	popl %eax
	movl %eax, %ecx
	xorl $0x200000, %eax
	pushl %eax
	popfl
	pushfl
	popl %eax
	pushl %ecx
	popfl
	xorl %ecx, %eax
	testl $0x200000, %eax
	jz no_long_mode

	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid
	testl $(1 << 29), %edx
	jz no_long_mode

	movl %edi, %ebx
	rdtsc
	movl %eax, %esi			/* entry time: EDX:ESI, untouched until 64-bit code */

	/* Multiboot 2 loaders clear bss, not all Multiboot 1 loaders do. The stack is in it and empty. */
	movl $boot_load_end, %edi
	movl $boot_bss_end, %ecx
	subl %edi, %ecx
	shrl $2, %ecx
	xorl %eax, %eax
	rep stosl

	/* Four page directories of 2 MB pages: physical 0-4 GB. */
	movl $PHYS(boot_pd), %edi
	movl $0x83, %eax		/* present, writable, large */
	movl $2048, %ecx
1:	movl %eax, (%edi)
	addl $0x200000, %eax
	addl $8, %edi
	decl %ecx
	jnz 1b

	movl $PHYS(boot_pd) + 3, %eax
	movl %eax, PHYS(boot_pdpt_high) + 510 * 8	/* KERNEL_BASE */
	movl $PHYS(boot_pdpt_low), %edi
	movl $4, %ecx
2:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	decl %ecx
	jnz 2b
	movl $PHYS(boot_pdpt_low) + 3, PHYS(boot_pml4)
	movl $PHYS(boot_pdpt_low) + 3, PHYS(boot_pml4) + 256 * 8	/* DIRECT_MAP */
	movl $PHYS(boot_pdpt_high) + 3, PHYS(boot_pml4) + 511 * 8

	movl $PHYS(boot_pml4), %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $(1 << 5), %eax		/* PAE */
	movl %eax, %cr4
	movl %edx, %edi			/* RDMSR overwrites EDX */
	movl $0xc0000080, %ecx		/* EFER */
	rdmsr
	orl $(1 << 8), %eax		/* LME */
	wrmsr
	movl %edi, %edx
	movl %cr0, %eax
	orl $0x80000001, %eax		/* PG, PE */
	movl %eax, %cr0
	lgdt boot_gdtr
	ljmp $8, $3f

	.code64
3:	movabsq $entry64, %rax
	jmp *%rax

	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9a000000ffff	/* 0x08: 64-bit code */
	.quad 0x00cf92000000ffff	/* 0x10: data */
boot_gdtr:
	.short boot_gdtr - boot_gdt - 1
	.long boot_gdt, 0

	/* A CPU that cannot run the kernel: say so on the screen and on the serial line, for ever. */
	.code32
no_long_mode:
	movl $VGA_TEXT, %edi
	movl $VGA_CELLS, %ecx
	movl $(VGA_ATTR << 8 | ' '), %eax
	rep stosw

	movl $serial_setup, %esi	/* 115200 8N1: pairs of register and value */
1:	movzbl (%esi), %edx
	cmpb $0xff, %dl
	je 2f
	addl $COM1, %edx
	movb 1(%esi), %al
	outb %al, %dx
	addl $2, %esi
	jmp 1b

2:	movl $no_long_mode_text, %esi
	movl $VGA_TEXT + 2 * 80 * 2, %ebx	/* start of the current screen line */
	leal 4(%ebx), %edi
3:	movb (%esi), %al
	testb %al, %al
	jz 6f
	incl %esi
	cmpb $'\n', %al
	jne 4f
	addl $160, %ebx
	leal 4(%ebx), %edi
	jmp 5f
4:	movb %al, (%edi)
	addl $2, %edi
5:	movb %al, %ah			/* to the serial line, waiting a bounded time for it */
	movl $100000, %ecx
	movl $COM1 + 5, %edx
7:	inb %dx, %al
	testb $0x20, %al
	jnz 8f
	decl %ecx
	jnz 7b
8:	movb %ah, %al
	movl $COM1, %edx
	outb %al, %dx
	jmp 3b
6:	hlt
	jmp 6b

serial_setup:
	.byte 1, 0, 3, 0x80, 0, 1, 1, 0, 3, 0x03, 2, 0x07, 4, 0x03, 0xff
no_long_mode_text:
	.ascii "\nMuster cannot run on this computer.\n\n"
	.ascii "Its processor has no 64-bit mode (long mode, x86-64), which the node needs.\n"
	.ascii "Nothing on this computer was changed. Remove the boot medium and switch it\n"
	.asciz "off; any PC with a 64-bit processor (most made since 2005) will do.\n"

	/* --- the kernel proper: virtual addresses from here on --- */
	.section .text.entry, "ax"
	.code64
	.globl entry64
	.type entry64, @function
entry64:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq $boot_stack_top, %rsp

	/* boot_main(magic, info, entry_tsc) */
	movl %esi, %eax
	shlq $32, %rdx
	orq %rax, %rdx
	movl %ebp, %edi
	movl %ebx, %esi
	xorl %ebp, %ebp			/* end of the chain of frames */
	pushq $0			/* no return address: backtraces end here */
	jmp boot_main
	.size entry64, . - entry64

	.bss
	.balign 4096
boot_pml4:
	.skip 4096
boot_pdpt_low:
	.skip 4096
boot_pdpt_high:
	.skip 4096
boot_pd:
	.skip 4 * 4096
	.globl boot_stack, boot_stack_top
boot_stack:
	.skip BOOT_STACK_SIZE
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
