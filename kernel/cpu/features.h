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

#include "proto/cpufeatures.h"

struct cpu_features {
	uint32_t words[WIRE_CPU_WORDS];	/* indexed by enum cpu_word */
	uint64_t xcr0;			/* state components enabled in user mode */
	char vendor[13];
	char brand[49];
};

extern struct cpu_features cpu_features;

#define CPU_HAS_SMEP (cpu_features.words[CPU_7_EBX] >> 7 & 1)
#define CPU_HAS_SMAP (cpu_features.words[CPU_7_EBX] >> 20 & 1)
#define CPU_HAS_UMIP (cpu_features.words[CPU_7_ECX] >> 2 & 1)
#define CPU_HAS_FSGSBASE (cpu_features.words[CPU_7_EBX] & 1)
#define CPU_HAS_XSAVE (cpu_features.words[CPU_1_ECX] >> 26 & 1)
#define CPU_HAS_XSAVEOPT (cpu_features.words[CPU_D1_EAX] & 1)
#define CPU_HAS_AVX (cpu_features.words[CPU_1_ECX] >> 28 & 1)
#define CPU_HAS_1G_PAGES (cpu_features.words[CPU_EXT_EDX] >> 26 & 1)
#define CPU_HAS_NX (cpu_features.words[CPU_EXT_EDX] >> 20 & 1)
#define CPU_HAS_MCE (cpu_features.words[CPU_1_EDX] >> 7 & 1)
#define CPU_HAS_APIC (cpu_features.words[CPU_1_EDX] >> 9 & 1)
#define CPU_HAS_RDRAND (cpu_features.words[CPU_1_ECX] >> 30 & 1)

void cpu_features_init(void);

/* Measured speed of one CPU in MHz (the TSC's rate). */
uint64_t cpu_speed_mhz(void);

#endif
