/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU features of home, of nodes, and what both allow a program: see eligible.h. */
#include "userland/lib/eligible.h"

#include <cpuid.h>
#include <stdio.h>

#include "proto/cpufeatures.h"
#include "userland/lib/nodes.h"

/* The x86-64-v3 level of the System V ABI's x86-64 supplement, with what x86-64 itself has. */
static const uint32_t v3[WIRE_CPU_WORDS] = {
	[CPU_1_ECX] = 1u << 0 | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 |
		      1u << 23 | 1u << 26 | 1u << 28 | 1u << 29,
	[CPU_1_EDX] = 1u << 8 | 1u << 15 | 1u << 23 | 1u << 24 | 1u << 25 | 1u << 26,
	[CPU_7_EBX] = 1u << 3 | 1u << 5 | 1u << 8,
	[CPU_EXT_ECX] = 1u << 0 | 1u << 5,
	[CPU_EXT_EDX] = 1u << 27,
};

/*
 * What a node may have though home has not: it takes Linux's help to use it (PKU), or no program of
 * this century looks for it (3DNow).
 */
static const uint32_t harmless[WIRE_CPU_WORDS] = {
	[CPU_7_ECX] = 1u << 3,
	[CPU_EXT_EDX] = 1u << 30 | 1u << 31,
};

static uint32_t word(unsigned leaf, unsigned sub, unsigned reg)
{
	uint32_t r[4] = { 0, 0, 0, 0 };

	return __get_cpuid_count(leaf, sub, &r[0], &r[1], &r[2], &r[3]) ? r[reg] : 0;
}

const uint32_t *cpu_home(void)
{
	enum { EAX, EBX, ECX, EDX };
	static uint32_t cpu[WIRE_CPU_WORDS];

	if (cpu[CPU_1_EDX])
		return cpu;
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
	return cpu;
}

void cpu_usual(uint32_t words[WIRE_CPU_WORDS])
{
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		words[i] = v3[i] & cpu_home()[i];
}

void cpu_common(const struct node *nodes, int count, uint32_t words[WIRE_CPU_WORDS])
{
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++) {
		words[i] = cpu_home()[i];
		for (int n = 0; n < count; n++)
			words[i] &= nodes[n].last.cpu[i];
	}
}

bool cpu_eligible(const uint32_t *need, const uint32_t node[WIRE_CPU_WORDS], char *why, size_t size)
{
	uint32_t more[WIRE_CPU_WORDS];
	char name[40];

	if (need && cpu_lacking(need, node, name, sizeof(name))) {
		snprintf(why, size, "lacks %s", name);
		return false;
	}
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		more[i] = node[i] & ~harmless[i];
	if (cpu_lacking(more, cpu_home(), name, sizeof(name))) {
		snprintf(why, size, "has %s, home does not", name);
		return false;
	}
	return true;
}
