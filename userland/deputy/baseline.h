/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPU a program believes to run on. The C library chooses its string functions, and ld.so the
 * size of its save area, by CPUID when a program starts: what was chosen must exist wherever the
 * program runs later. So a program that starts at home is shown only the features that the nodes
 * have too, and one that starts on a node gets a save area that is large enough for home.
 *
 * Words are those of enum cpu_word (proto/cpufeatures.h).
 */
#ifndef DEPUTY_BASELINE_H
#define DEPUTY_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

struct process;
struct stub;
struct wire_text;

/* This machine's own features. */
const uint32_t *baseline_home(void);

/*
 * From now on programs are shown these features when they start (mosrun --baseline), wherever they are
 * to run. Otherwise, at home: cpu_usual() of userland/lib/eligible.h; on a node: what node and home have.
 */
void baseline_ask(const uint32_t words[WIRE_CPU_WORDS]);
bool baseline_asked(void);

/* What is shown to a program that starts at home. */
void baseline_default(uint32_t words[WIRE_CPU_WORDS]);

/*
 * The stub stands at PTRACE_EVENT_EXEC and will run at home. Lets it run through the part of ld.so
 * that asks for the CPU's features, answering with `want`, and leaves it at the entry of its next system
 * call; its code is then as it was. Takes 1 to 2 ms; no instruction of the program itself runs in
 * that time. Sets what the stub has been shown (baseline_shown()): all of home's features for a program
 * that asks for itself (static, or another C library).
 *
 * Returns 0 with the stub stopped, or -ESRCH if it died. Signals that came are kept and queued anew.
 */
int baseline_exec(struct stub *stub, const uint32_t want[WIRE_CPU_WORDS]);

/*
 * The stub stands in an execve's exit and its image will be sent to a node before its first
 * instruction: makes ld.so's lazy-binding trampolines save as much as this machine's state needs,
 * because the size would be taken from the node's CPU.
 */
void baseline_fresh(struct stub *stub);

/*
 * The features that the program may be using. baseline_learns(): it goes to a node with those, and
 * may ask there. A fork's child has its parent's.
 */
const uint32_t *baseline_shown(const struct process *process);
void baseline_learns(struct process *process, const uint32_t node[WIRE_CPU_WORDS], bool fresh);
void baseline_inherit(struct process *child, const struct process *parent);

/*
 * The node met an instruction that its CPU lacks: the program has asked for itself, or by a library
 * that did. From now on it goes only where all that home has exists.
 */
void baseline_knows_home(struct process *process);

/*
 * May a process with these needs run on that CPU, and come back? False with the reason in *why.
 * need NULL: it has not started yet.
 */
bool baseline_eligible(const uint32_t *need, const uint32_t node[WIRE_CPU_WORDS],
		       struct wire_text *why);

#endif
