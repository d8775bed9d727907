/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPU features a program knows of, and where it may therefore run. */
#include "userland/deputy/baseline.h"

#include <string.h>

#include "proto/cpufeatures.h"
#include "proto/wire.h"
#include "userland/deputy/hostcpu.h"
#include "userland/deputy/stub.h"

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

const uint32_t *baseline_home(void)
{
	static uint32_t words[WIRE_CPU_WORDS];

	if (!words[CPU_1_EDX])
		hostcpu_features(words);
	return words;
}

void baseline_default(uint32_t words[WIRE_CPU_WORDS])
{
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		words[i] = v3[i] & baseline_home()[i];
}

const uint32_t *baseline_shown(const struct process *process)
{
	/* Nothing said: it has asked for itself. (No CPU of ours lacks all of 1.EDX.) */
	return process->cpu[CPU_1_EDX] ? process->cpu : baseline_home();
}

void baseline_learns(struct process *process, const uint32_t node[WIRE_CPU_WORDS], bool fresh)
{
	uint32_t words[WIRE_CPU_WORDS];

	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		words[i] = (node[i] & baseline_home()[i]) | (fresh ? 0 : baseline_shown(process)[i]);
	memcpy(process->cpu, words, sizeof(process->cpu));
}

void baseline_knows_home(struct process *process)
{
	memcpy(process->cpu, baseline_home(), sizeof(process->cpu));
}

void baseline_inherit(struct process *child, const struct process *parent)
{
	memcpy(child->cpu, parent->cpu, sizeof(child->cpu));
}

bool baseline_eligible(const uint32_t *need, const uint32_t node[WIRE_CPU_WORDS],
		       struct wire_text *why)
{
	uint32_t more[WIRE_CPU_WORDS];
	char name[40];

	if (need && cpu_lacking(need, node, name, sizeof(name))) {
		wire_text_set(why, WHY_CPU, "not eligible: the node lacks %s (the process was started "
			      "with it)", name);
		return false;
	}
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		more[i] = node[i] & ~harmless[i];
	if (cpu_lacking(more, baseline_home(), name, sizeof(name))) {
		wire_text_set(why, WHY_CPU, "not eligible: the node has %s, which this machine lacks: a "
			      "process that learns of it there could not come home", name);
		return false;
	}
	return true;
}
