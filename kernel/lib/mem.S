/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memcpy, memmove and memset by the string instructions: the kernel has no SSE, and CPUs since 2008
 * (and emulators) run these at full width. Direction flag clear, as the ABI says.
 */
	.text
	.globl memcpy, memmove, memset
	.type memcpy, @function
	.type memmove, @function
	.type memset, @function

memmove:
	movq %rdi, %rax
	subq %rsi, %rax
	cmpq %rdx, %rax		/* unsigned dst - src < n: dst lies inside the source */
	jb 1f
memcpy:
	movq %rdi, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
	rep movsb
	ret
1:	movq %rdi, %rax		/* backwards */
	movq %rdx, %rcx
	leaq -1(%rdi,%rdx), %rdi
	leaq -1(%rsi,%rdx), %rsi
	std
	rep movsb
	cld
	ret
	.size memmove, . - memmove

memset:
	movq %rdi, %r8
	movzbl %sil, %eax
	movabsq $0x0101010101010101, %rcx
	imulq %rcx, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep stosq
	movl %edx, %ecx
	andl $7, %ecx
	rep stosb
	movq %r8, %rax
	ret
	.size memset, . - memset

	.section .note.GNU-stack, "", @progbits
