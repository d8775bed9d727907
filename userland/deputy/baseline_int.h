/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What baseline*.c share: the places in an ld.so that matter. */
#ifndef DEPUTY_BASELINE_INT_H
#define DEPUTY_BASELINE_INT_H

#include <stdint.h>

struct stub;

#define LDSO_PLACES_MAX 256

/* Addresses in the stub. */
struct ldso {
	uint64_t text, text_len;	/* its executable mapping */
	unsigned ncpuid;		/* `cpuid` instructions */
	uint64_t cpuid[LDSO_PLACES_MAX];
	unsigned ntramp;		/* `sub xsave_state_size(%rip),%rsp` */
	uint64_t tramp[LDSO_PLACES_MAX];
};

#define CPUID_LEN	2u
#define TRAMP_LEN	7u

/* Of the program that the stub has just begun to execute. 0, or -ENOENT if it has none (static). */
int ldso_find(struct stub *stub, struct ldso *ldso);

#endif
