/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which CPUs a program may run on: every feature that it was shown when it started must exist there,
 * and home must have what it could learn of there. Words are those of proto/cpufeatures.h.
 */
#ifndef USERLAND_LIB_ELIGIBLE_H
#define USERLAND_LIB_ELIGIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

struct node;

/* This machine's own features. */
const uint32_t *cpu_home(void);

/*
 * What programs that start at home are shown: x86-64-v3 as far as home has it, without AVX-512 and
 * without what emulators and older machines lack.
 */
void cpu_usual(uint32_t words[WIRE_CPU_WORDS]);

/* What home and all of these nodes have. */
void cpu_common(const struct node *nodes, int count, uint32_t words[WIRE_CPU_WORDS]);

/*
 * May a process with these needs run on that CPU, and come back? False with the reason in why:
 * "lacks avx512f". need NULL: it has not started yet.
 */
bool cpu_eligible(const uint32_t *need, const uint32_t node[WIRE_CPU_WORDS], char *why, size_t size);

#endif
