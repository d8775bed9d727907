/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starts the further CPUs one after the other (Intel SDM vol. 3A, 9.4). One that does not come up
 * within a second is left out, with a message.
 */
#include <errno.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/cpu/acpi.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page.h"
#include "kernel/mm/page_boot.h"
#include "kernel/proc/sched.h"
#include "kernel/proc/thread.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"

#define START_WAIT_NS NSEC_PER_SEC
#define EFER_LME (1ull << 8)

extern uint8_t ap_trampoline[], ap_trampoline_end[];
extern uint8_t ap_gdtr_base[], ap_far32[], ap_far64[];
extern uint8_t ap_cr3[], ap_efer[], ap_stack[], ap_percpu[], ap_entry[];

static bool ap_started; /* the CPU being started has arrived */

/* First C code of a further CPU, on its idle thread's stack, with the start-up page tables. */
static void __attribute__((noreturn)) ap_main(struct percpu *pc)
{
	write_cr3(kmap_cr3());
	percpu_load(pc);
	cpu_init();
	apic_init_cpu(false);
	pc->apic_id = apic_id();
	sched_init_cpu();
	percpu_online(pc);
	__atomic_store_n(&ap_started, true, __ATOMIC_SEQ_CST);
	sched_idle();
}

static void *in_page(uint8_t *page, const uint8_t *label)
{
	return page + (label - ap_trampoline);
}

static void put32(uint8_t *page, const uint8_t *label, uint32_t v)
{
	memcpy(in_page(page, label), &v, sizeof(v));
}

static void put64(uint8_t *page, const uint8_t *label, uint64_t v)
{
	memcpy(in_page(page, label), &v, sizeof(v));
}

static void add32(uint8_t *page, const uint8_t *label, uint32_t base)
{
	uint32_t v;

	memcpy(&v, in_page(page, label), sizeof(v));
	put32(page, label, v + base);
}

static bool ap_start(uint8_t *page, uint64_t page_pa, uint32_t id)
{
	struct percpu *pc = kzalloc(sizeof(*pc));
	uint64_t deadline;

	if (pc == NULL)
		return false;
	pc->self = pc;
	pc->id = cpu_count();
	pc->apic_id = id;
	pc->idle_thread = idle_thread_create(pc->id);
	if (pc->idle_thread == NULL || gdt_prepare(pc) != 0)
		return false;
	pc->running = pc->idle_thread;
	put64(page, ap_stack, (uint64_t)pc->idle_thread->kstack + KSTACK_SIZE);
	put64(page, ap_percpu, (uint64_t)pc);
	put64(page, ap_entry, (uint64_t)ap_main);
	__atomic_store_n(&ap_started, false, __ATOMIC_SEQ_CST);

	for (int attempt = 0; attempt < 2; attempt++) {
		apic_send_startup(id, page_pa >> PAGE_SHIFT);
		deadline = clock_now_ns() + (attempt ? START_WAIT_NS : 10 * NSEC_PER_MSEC);
		while (clock_now_ns() < deadline) {
			if (__atomic_load_n(&ap_started, __ATOMIC_SEQ_CST))
				return true;
			cpu_relax();
		}
	}
	/* Its memory stays: a late comer may still be using it. */
	apic_send_init(id);
	return __atomic_load_n(&ap_started, __ATOMIC_SEQ_CST);
}

void smp_init(const struct boot_info *bi, uint64_t boot_cr3)
{
	uint64_t page_pa = page_plan_low(bi, 1);
	uint64_t limit = setting_get_u64("maxcpus", MAX_CPUS);
	struct page *table = page_alloc_low(0);
	uint32_t me = apic_id();

	this_cpu()->apic_id = me;
	if (!apic_present() || acpi_info.cpu_count <= 1 || table == NULL)
		return;
	if (page_pa == 0) {
		kprintf("smp: no free page below 640 KB to start further CPUs: 1 CPU\n");
		return;
	}
	/* The kernel's map plus the low identity map that the trampoline runs in. */
	uint64_t *pml4 = page_virt(table);
	uint8_t *page = phys_virt(page_pa);

	memset(pml4, 0, PAGE_SIZE);
	kmap_copy_kernel_half(pml4);
	pml4[0] = *(uint64_t *)phys_virt(boot_cr3 & PAGE_MASK);
	memcpy(page, ap_trampoline, ap_trampoline_end - ap_trampoline);
	add32(page, ap_gdtr_base, page_pa);
	add32(page, ap_far32, page_pa);
	add32(page, ap_far64, page_pa);
	put32(page, ap_cr3, page_phys(table));
	put32(page, ap_efer, EFER_LME | (CPU_HAS_NX ? EFER_NXE : 0));

	/* All at once: the 10 ms that each is to be left alone are waited for once. */
	for (unsigned i = 0; i < acpi_info.cpu_count && i < limit; i++)
		if (acpi_info.apic_ids[i] != me)
			apic_send_init(acpi_info.apic_ids[i]);
	clock_delay_us(10000);
	for (unsigned i = 0; i < acpi_info.cpu_count && (uint64_t)cpu_count() < limit; i++) {
		if (acpi_info.apic_ids[i] == me)
			continue;
		if (!ap_start(page, page_pa, acpi_info.apic_ids[i]))
			kprintf("smp: CPU with APIC number %u does not start: left out\n",
				acpi_info.apic_ids[i]);
	}
	if (acpi_info.cpus_dropped)
		kprintf("smp: %u CPUs more than the %d that Muster can use\n",
			acpi_info.cpus_dropped, MAX_CPUS);
	page_free(table, 0);
}
