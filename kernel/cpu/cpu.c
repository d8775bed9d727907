/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every CPU does when it comes up, and what the CPUs are able to.
 */
#include "kernel/cpu/cpu.h"

#include <stddef.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/time/clock.h"

/* Entry 5 is write combining, the others are as after a reset (SDM vol. 3A, 12.12.4). */
#define PAT_VALUE 0x0007010600070106ull

struct cpu_features cpu_features;

extern const struct {
	uint64_t address, kind; /* 0: STAC, 1: CLAC */
} smap_sites_start[], smap_sites_end[];

static void read_words(void)
{
	uint32_t *w = cpu_features.words;
	uint32_t r[4], highest;

	cpuid(0, 0, r);
	highest = r[0];
	memcpy(cpu_features.vendor, &r[1], 4);
	memcpy(cpu_features.vendor + 4, &r[3], 4);
	memcpy(cpu_features.vendor + 8, &r[2], 4);
	cpuid(1, 0, r);
	w[CPU_1_ECX] = r[2];
	w[CPU_1_EDX] = r[3];
	if (highest >= 7) {
		cpuid(7, 0, r);
		w[CPU_7_EBX] = r[1];
		w[CPU_7_ECX] = r[2];
		w[CPU_7_EDX] = r[3];
	}
	if (highest >= 0xd && CPU_HAS_XSAVE) {
		cpuid(0xd, 1, r);
		w[CPU_D1_EAX] = r[0];
	}
	cpuid(0x80000001, 0, r);
	w[CPU_EXT_ECX] = r[2];
	w[CPU_EXT_EDX] = r[3];
}

static void read_brand(void)
{
	uint32_t r[4];

	cpuid(0x80000000, 0, r);
	if (r[0] < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, 0, r);
		memcpy(cpu_features.brand + 16 * i, r, 16);
	}
}

void cpu_features_init(void)
{
	read_words();
	read_brand();
}

uint64_t cpu_speed_mhz(void)
{
	return (clock_tsc_hz() + 500000) / 1000000;
}

void smap_patch_sites(void)
{
	if (!CPU_HAS_SMAP)
		return;
	for (__typeof__(&smap_sites_start[0]) s = smap_sites_start; s < smap_sites_end; s++) {
		uint8_t *code = (uint8_t *)s->address;

		code[0] = 0x0f;
		code[1] = 0x01;
		code[2] = s->kind == 0 ? 0xcb : 0xca;
	}
}

void cpu_init(void)
{
	uint64_t cr4 = read_cr4() | CR4_PGE | (CPU_HAS_MCE ? CR4_MCE : 0);

	gdt_load();
	/* A selector load may have changed it: GS base last. */
	percpu_load(this_cpu());
	trap_init_cpu();
	if (CPU_HAS_NX)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	write_cr0((read_cr0() | CR0_WP | CR0_NE | CR0_MP | CR0_AM) & ~(CR0_EM | CR0_TS));
	wrmsr(MSR_PAT, PAT_VALUE);
	if (CPU_HAS_SMEP)
		cr4 |= CR4_SMEP;
	if (CPU_HAS_SMAP)
		cr4 |= CR4_SMAP;
	if (CPU_HAS_UMIP)
		cr4 |= CR4_UMIP;
	if (CPU_HAS_FSGSBASE)
		cr4 |= CR4_FSGSBASE;
	write_cr4(cr4);
	fpu_init_cpu();
}
