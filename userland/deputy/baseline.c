/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPU features a program knows of, and where it may therefore run. */
#include "userland/deputy/baseline.h"

#include <string.h>

#include "proto/cpufeatures.h"
#include "proto/wire.h"
#include "userland/deputy/stub.h"
#include "userland/lib/eligible.h"

static uint32_t asked[WIRE_CPU_WORDS];
static bool is_asked;

const uint32_t *baseline_home(void)
{
	return cpu_home();
}

void baseline_ask(const uint32_t words[WIRE_CPU_WORDS])
{
	memcpy(asked, words, sizeof(asked));
	is_asked = true;
}

bool baseline_asked(void)
{
	return is_asked;
}

void baseline_default(uint32_t words[WIRE_CPU_WORDS])
{
	if (is_asked)
		memcpy(words, asked, sizeof(asked));
	else
		cpu_usual(words);
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
	char text[80];

	if (cpu_eligible(need, node, text, sizeof(text)))
		return true;
	wire_text_set(why, WHY_CPU, "not eligible: the node %s%s", text,
		      *text == 'l' ? " (the process was started with it)"
				   : ": a process that learns of it there could not come home");
	return false;
}
