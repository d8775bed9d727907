/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this machine's CPUs can do: sent in announcements, since a process may only run where every
 * feature exists that it was shown at its start. Filled on the boot CPU; all CPUs are assumed
 * equal (one that lacks something is not started). Constant after cpu_features_init().
 */
#ifndef KERNEL_CPU_FEATURES_H
#define KERNEL_CPU_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
	uint32_t leaf1_ecx, leaf1_edx;		/* CPUID 1 */
	uint32_t leaf7_ebx, leaf7_ecx, leaf7_edx; /* CPUID 7.0 */
	uint32_t leafd1_eax;			/* CPUID 0xd.1: XSAVEOPT, XSAVEC, ... */
	uint32_t ext1_ecx, ext1_edx;		/* CPUID 0x80000001 */
	uint64_t xcr0;				/* state components enabled in user mode */
	char vendor[13];
	char brand[49];
};

extern struct cpu_features cpu_features;

#define CPU_HAS_SMEP (cpu_features.leaf7_ebx >> 7 & 1)
#define CPU_HAS_SMAP (cpu_features.leaf7_ebx >> 20 & 1)
#define CPU_HAS_UMIP (cpu_features.leaf7_ecx >> 2 & 1)
#define CPU_HAS_FSGSBASE (cpu_features.leaf7_ebx & 1)
#define CPU_HAS_XSAVE (cpu_features.leaf1_ecx >> 26 & 1)
#define CPU_HAS_XSAVEOPT (cpu_features.leafd1_eax & 1)
#define CPU_HAS_AVX (cpu_features.leaf1_ecx >> 28 & 1)
#define CPU_HAS_1G_PAGES (cpu_features.ext1_edx >> 26 & 1)
#define CPU_HAS_NX (cpu_features.ext1_edx >> 20 & 1)
#define CPU_HAS_APIC (cpu_features.leaf1_edx >> 9 & 1)
#define CPU_HAS_RDRAND (cpu_features.leaf1_ecx >> 30 & 1)

void cpu_features_init(void);

/* Measured speed of one CPU in MHz (the TSC's rate). */
uint64_t cpu_speed_mhz(void);

#endif
