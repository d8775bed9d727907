/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU features as both halves compare them: the raw words of CPUID (Intel SDM vol. 2A, AMD APM
 * vol. 3 appendix E). A process may run only where every feature it was shown exists.
 */
#ifndef PROTO_CPUFEATURES_H
#define PROTO_CPUFEATURES_H

#include <stdint.h>

#include "proto/limits.h"

enum cpu_word {
	CPU_1_ECX,
	CPU_1_EDX,
	CPU_7_EBX,
	CPU_7_ECX,
	CPU_7_EDX,
	CPU_D1_EAX,	/* XSAVEOPT, XSAVEC, ... */
	CPU_EXT_ECX,	/* 0x80000001 */
	CPU_EXT_EDX,
};

/* Bits of each word that a user program can use; the others (VMX, SMEP, ...) do not bind it. */
extern const uint32_t cpu_user_bits[WIRE_CPU_WORDS];

/*
 * Writes the name of the first user-visible feature in need that have lacks ("avx512f", or "7.ebx
 * bit 3" where it has no name here) to buf, and returns buf; NULL if nothing is lacking.
 */
const char *cpu_lacking(const uint32_t need[WIRE_CPU_WORDS], const uint32_t have[WIRE_CPU_WORDS],
			char *buf, unsigned size);

#endif
