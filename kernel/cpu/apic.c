/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of the local APIC.
 */
#include "kernel/cpu/apic.h"

#include "kernel/cpu/acpi.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmap.h"
#include "kernel/settings.h"
#include "kernel/sync/spinlock.h"

#define APIC_BASE_ENABLE (1ull << 11)
#define APIC_BASE_X2APIC (1ull << 10)
#define MSR_X2APIC 0x800

/* Register offsets of the memory-mapped form; x2APIC's MSR is 0x800 + offset / 16. */
#define REG_ID 0x20
#define REG_TPR 0x80
#define REG_EOI 0xb0
#define REG_SPURIOUS 0xf0
#define REG_ESR 0x280
#define REG_ICR 0x300
#define REG_ICR_HIGH 0x310
#define REG_LVT_TIMER 0x320
#define REG_LVT_THERMAL 0x330
#define REG_LVT_PERF 0x340
#define REG_LVT_LINT0 0x350
#define REG_LVT_LINT1 0x360
#define REG_LVT_ERROR 0x370
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE 0x3e0

#define TPR_ALL 0xf0 /* the highest priority class, which no vector exceeds (11.8.3.1) */
#define SPURIOUS_ENABLE (1u << 8)
#define LVT_MASKED (1u << 16)
#define LVT_NMI (4u << 8)
#define LVT_EXTINT (7u << 8)
#define TIMER_DIVIDE_1 0xb
#define ICR_NMI (4u << 8)
#define ICR_INIT (5u << 8)
#define ICR_STARTUP (6u << 8)
#define ICR_ASSERT (1u << 14)
#define ICR_PENDING (1u << 12)
#define ICR_ALL_OTHERS (3u << 18)

static volatile uint32_t *mmio;
static bool present, x2apic;

static uint32_t reg_read(uint32_t reg)
{
	return x2apic ? (uint32_t)rdmsr(MSR_X2APIC + reg / 16) : mmio[reg / 4];
}

static void reg_write(uint32_t reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		mmio[reg / 4] = v;
}

void apic_init(void)
{
	uint64_t base;

	if (!CPU_HAS_APIC || setting_get("nolapic"))
		return;
	base = rdmsr(MSR_APIC_BASE);
	x2apic = (base & APIC_BASE_X2APIC) != 0;
	if (!x2apic) {
		mmio = mmio_map(acpi_info.lapic_pa, 4096);
		if (mmio == NULL)
			return;
	}
	present = true;
}

bool apic_present(void)
{
	return present;
}

void apic_init_cpu(bool boot_cpu)
{
	if (!present)
		return;
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE |
				     (x2apic ? APIC_BASE_X2APIC : 0));
	reg_write(REG_TPR, 0);
	reg_write(REG_LVT_THERMAL, LVT_MASKED);
	reg_write(REG_LVT_PERF, LVT_MASKED);
	reg_write(REG_LVT_ERROR, LVT_MASKED);
	reg_write(REG_LVT_LINT0, boot_cpu ? LVT_EXTINT : LVT_MASKED);
	reg_write(REG_LVT_LINT1, boot_cpu ? LVT_NMI : LVT_MASKED);
	reg_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	reg_write(REG_TIMER_DIVIDE, TIMER_DIVIDE_1);
	reg_write(REG_LVT_TIMER, VECTOR_TIMER);
	reg_write(REG_TIMER_INITIAL, 0);
	apic_eoi(); /* of something the firmware may have left in service */
}

uint32_t apic_id(void)
{
	if (!present)
		return 0;
	return x2apic ? reg_read(REG_ID) : reg_read(REG_ID) >> 24;
}

void apic_eoi(void)
{
	reg_write(REG_EOI, 0);
}

void apic_hold(bool hold)
{
	if (present)
		reg_write(REG_TPR, hold ? TPR_ALL : 0);
}

/* Two writes in xAPIC form, which an interrupt handler that sends must not come between. */
static void icr_write(uint32_t to, uint32_t command)
{
	unsigned long flags;

	if (x2apic) {
		/* Unlike the store to memory, this write does not order earlier ones (11.12.3). */
		__asm__ volatile("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC + REG_ICR / 16, (uint64_t)to << 32 | command);
		return;
	}
	flags = irq_save();
	while (reg_read(REG_ICR) & ICR_PENDING)
		cpu_relax();
	reg_write(REG_ICR_HIGH, to << 24);
	reg_write(REG_ICR, command);
	irq_restore(flags);
}

void apic_send(uint32_t to, uint8_t vector)
{
	if (present)
		icr_write(to, ICR_ASSERT | vector);
}

void apic_nmi_others(void)
{
	if (present && cpu_count() > 1)
		icr_write(0, ICR_ASSERT | ICR_NMI | ICR_ALL_OTHERS);
}

void apic_send_init(uint32_t to)
{
	icr_write(to, ICR_ASSERT | ICR_INIT);
}

void apic_send_startup(uint32_t to, uint8_t page)
{
	icr_write(to, ICR_ASSERT | ICR_STARTUP | page);
}

void apic_timer_set(uint32_t count)
{
	reg_write(REG_TIMER_INITIAL, count);
}

uint32_t apic_timer_left(void)
{
	return reg_read(REG_TIMER_CURRENT);
}
