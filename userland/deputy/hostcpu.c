/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine's CPU by CPUID, as HELLO and images tell it. */
#include "userland/deputy/hostcpu.h"

#include <string.h>

#include "userland/deputy/xstate.h"
#include "userland/lib/eligible.h"

void hostcpu_features(uint32_t cpu[WIRE_CPU_WORDS])
{
	memcpy(cpu, cpu_home(), WIRE_CPU_WORDS * sizeof(cpu[0]));
}

uint64_t hostcpu_xcr0(void)
{
	return xlayout_home()->features;
}

uint32_t hostcpu_xstate_size(void)
{
	return xlayout_home()->size;
}
