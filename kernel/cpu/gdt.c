/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments, the task state segment and the stacks for the three exceptions that may strike at any
 * instruction (NMI, double fault, machine check), per CPU. Guests' segments: segment.h.
 */
#include <errno.h>
#include <stddef.h>

#include "kernel/cpu/cpu.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/tables.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"

#define DESC_KERNEL_CODE 0x00af9b000000ffffull
#define DESC_KERNEL_DATA 0x00cf93000000ffffull
#define DESC_USER_DATA 0x00cff3000000ffffull
#define DESC_USER_CODE 0x00affb000000ffffull
#define DESC_USER32_CODE 0x00cffb000000ffffull
#define DESC_TSS_TYPE (0x89ull << 40)

static struct cpu_tables boot_tables __attribute__((aligned(64)));

/* The stack's last word but one names its CPU, because these handlers cannot trust GS. */
static uint64_t ist_top(uint8_t *stack, struct percpu *pc)
{
	uint64_t top = (uint64_t)stack + IST_STACK_SIZE - 16;

	*(struct percpu **)top = pc;
	return top;
}

int gdt_prepare(struct percpu *pc)
{
	struct cpu_tables *t = pc->id == 0 ? &boot_tables : kzalloc(sizeof(*t));
	uint64_t tss;

	if (t == NULL)
		return -ENOMEM;
	tss = (uint64_t)&t->tss;
	t->gdt[KERNEL_CS / 8] = DESC_KERNEL_CODE;
	t->gdt[KERNEL_SS / 8] = DESC_KERNEL_DATA;
	t->gdt[USER32_CS / 8] = DESC_USER32_CODE;
	t->gdt[USER_SS / 8] = DESC_USER_DATA;
	t->gdt[USER_CS / 8] = DESC_USER_CODE;
	t->gdt[TSS_SELECTOR / 8] = (sizeof(t->tss) - 1) | (tss & 0xffffff) << 16 | DESC_TSS_TYPE |
				   (tss >> 24 & 0xff) << 56;
	t->gdt[TSS_SELECTOR / 8 + 1] = tss >> 32;
	t->tss.ist[IST_NMI - 1] = ist_top(t->nmi_stack, pc);
	t->tss.ist[IST_DOUBLE_FAULT - 1] = ist_top(t->df_stack, pc);
	t->tss.ist[IST_MACHINE_CHECK - 1] = ist_top(t->mc_stack, pc);
	t->tss.iomap_base = sizeof(t->tss); /* beyond the limit: no port is allowed */
	pc->tables = t;
	return 0;
}

void gdt_load(void)
{
	struct percpu *pc = this_cpu();
	struct descriptor_ptr gdtr = { sizeof(pc->tables->gdt) - 1, (uint64_t)pc->tables->gdt };

	/* A second load (the boot CPU's) needs the TSS not marked busy. */
	pc->tables->gdt[TSS_SELECTOR / 8] &= ~(2ull << 40);
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%ss\n\t"
			 "movl %3, %%ds\n\t"
			 "movl %3, %%es\n\t"
			 "ltr %w4"
			 :
			 : "m"(gdtr), "i"(KERNEL_CS), "r"(KERNEL_SS), "r"(0), "r"(TSS_SELECTOR)
			 : "rax", "memory");
}

void gdt_set_kernel_stack(uint64_t top)
{
	struct percpu *pc = this_cpu();

	pc->kstack_top = top;
	pc->tables->tss.rsp[0] = top;
}
