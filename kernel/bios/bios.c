/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the BIOS from the running kernel. See bios.h. */
#include "kernel/bios/bios.h"

#include <string.h>

#include "boot/boot_info.h"
#include "kernel/bios/thunk.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/ipi.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_boot.h"
#include "kernel/proc/thread.h"

static uint64_t low_pa; /* BIOS_PAGES pages; 0: no BIOS to call */
static uint64_t start_cr3;

static uint8_t *low(void)
{
	return phys_virt(low_pa);
}

static void *in_thunk(const uint8_t *label)
{
	return low() + (label - bios_thunk);
}

static void add_base(const uint8_t *label)
{
	uint32_t v;

	memcpy(&v, in_thunk(label), sizeof(v));
	v += low_pa;
	memcpy(in_thunk(label), &v, sizeof(v));
}

/* The base of a segment below 1 MB lies in bytes 2-4 of its descriptor. */
static void set_descriptor_base(const uint8_t *label)
{
	uint8_t *d = in_thunk(label);

	d[2] = low_pa;
	d[3] = low_pa >> 8;
	d[4] = low_pa >> 16;
}

void bios_init(const struct boot_info *bi, uint64_t boot_cr3)
{
	uint16_t segment;
	uint32_t cr3 = boot_cr3 & PAGE_MASK;

	if (bi->boot_drive < 0)
		return;
	/* A late CPU may still run in the highest page, see smp.c. */
	low_pa = page_plan_low(bi, BIOS_PAGES + 1);
	if (low_pa == 0)
		return;
	KASSERT(bios_thunk_end - bios_thunk < BIOS_STACK_END / 2);
	start_cr3 = cr3;
	memset(low(), 0, BIOS_PAGES * PAGE_SIZE);
	memcpy(low(), bios_thunk, bios_thunk_end - bios_thunk);
	add_base(bios_gdtr_base);
	add_base(bios_far32);
	add_base(bios_far32_back);
	add_base(bios_far64);
	set_descriptor_base(bios_gdt_code16);
	set_descriptor_base(bios_gdt_data16);
	segment = bios_segment();
	memcpy((uint8_t *)in_thunk(bios_far_real) + 2, &segment, sizeof(segment));
	memcpy(in_thunk(bios_cr3), &cr3, sizeof(cr3));
}

bool bios_present(void)
{
	return low_pa != 0;
}

uint8_t *bios_buffer(void)
{
	return low() + BIOS_BUFFER;
}

uint8_t *bios_packet(void)
{
	return low() + BIOS_PACKET;
}

uint16_t bios_segment(void)
{
	return low_pa >> 4;
}

/* --- the other CPUs --------------------------------------------------------------------------------- */

static unsigned parked;
static bool go_on;

/* Spins with interrupts off and answers nobody: all who could ask are here, too. */
static void park(void *arg)
{
	unsigned long flags = irq_save();

	(void)arg;
	__atomic_add_fetch(&parked, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go_on, __ATOMIC_SEQ_CST))
		cpu_relax();
	__atomic_sub_fetch(&parked, 1, __ATOMIC_SEQ_CST);
	irq_restore(flags);
}

static void park_others(void)
{
	__atomic_store_n(&go_on, false, __ATOMIC_SEQ_CST);
	ipi_call_others(park, NULL, false);
	/* With interrupts on: a CPU may wait for this one's answer before it can park. */
	while (__atomic_load_n(&parked, __ATOMIC_SEQ_CST) + 1 < (unsigned)cpu_count()) {
		ipi_poll();
		cpu_relax();
	}
}

static void release_others(void)
{
	__atomic_store_n(&go_on, true, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&parked, __ATOMIC_SEQ_CST))
		cpu_relax();
}

/* --- the call ---------------------------------------------------------------------------------------- */

/* On the boot CPU, interrupts off. What real mode changes of this CPU's state is kept here and in thunk.S. */
static void call(struct bios_regs *regs)
{
	struct percpu *pc = this_cpu();
	struct bios_thunk_regs *t = in_thunk(bios_thunk_regs);

	*t = (struct bios_thunk_regs){ regs->eax, regs->ebx, regs->ecx, regs->edx,
				       regs->esi, regs->edi, 0 };
	irq_lend();
	bios_enter(low(), low_pa, start_cr3);
	percpu_load(pc);
	gdt_load();
	/* A guest's state is loaded when it runs next; a BIOS may copy by SSE. */
	pc->fpu_owner = NULL;
	irq_take_back();
	*regs = (struct bios_regs){ t->eax, t->ebx, t->ecx, t->edx, t->esi, t->edi, t->carry };
}

void bios_disk_call(struct bios_regs *regs)
{
	struct cpumask boot_cpu = { { 1 } };
	unsigned long flags;

	KASSERT(bios_present() && current->proc == NULL);
	thread_bind(current, &boot_cpu);
	while (cpu_id() != 0)
		thread_yield();
	park_others();
	flags = irq_save();
	call(regs);
	release_others();
	irq_restore(flags);
	thread_bind(current, NULL);
}
