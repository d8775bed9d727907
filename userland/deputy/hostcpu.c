/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine's CPU by CPUID, as HELLO and images tell it. */
#include "userland/deputy/hostcpu.h"

#include <cpuid.h>

#include "userland/deputy/xstate.h"

static uint32_t word(unsigned leaf, unsigned sub, unsigned reg)
{
	uint32_t r[4] = { 0, 0, 0, 0 };

	return __get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]) ? r[reg] : 0;
}

void hostcpu_features(uint32_t cpu[WIRE_CPU_WORDS])
{
	enum { EAX, EBX, ECX, EDX };

	cpu[CPU_1_ECX] = word(1, 0, ECX);
	cpu[CPU_1_EDX] = word(1, 0, EDX);
	cpu[CPU_7_EBX] = word(7, 0, EBX);
	cpu[CPU_7_ECX] = word(7, 0, ECX);
	cpu[CPU_7_EDX] = word(7, 0, EDX);
	cpu[CPU_D1_EAX] = word(0xd, 1, EAX);
	cpu[CPU_EXT_ECX] = word(0x80000001, 0, ECX);
	cpu[CPU_EXT_EDX] = word(0x80000001, 0, EDX);
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		cpu[i] &= cpu_user_bits[i];
}

uint64_t hostcpu_xcr0(void)
{
	return xlayout_home()->features;
}

uint32_t hostcpu_xstate_size(void)
{
	return xlayout_home()->size;
}
