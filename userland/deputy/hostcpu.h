/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What programs here are shown of this machine's CPU. */
#ifndef USERLAND_DEPUTY_HOSTCPU_H
#define USERLAND_DEPUTY_HOSTCPU_H

#include <stdint.h>

#include "proto/cpufeatures.h"

/* The words of enum cpu_word, user-visible bits only. */
void hostcpu_features(uint32_t cpu[WIRE_CPU_WORDS]);
uint64_t hostcpu_xcr0(void);
uint32_t hostcpu_xstate_size(void);	/* bytes, standard format, all that is enabled */

#endif
