/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU, SSE and AVX state of user threads. The kernel itself never uses these registers. State is
 * kept in the standard (not compacted) XSAVE format, as Linux shows it in signal frames and
 * NT_X86_XSTATE; on a CPU without XSAVE it is the 512 bytes of FXSAVE with a zero header behind.
 */
#ifndef KERNEL_CPU_FPU_H
#define KERNEL_CPU_FPU_H

#include <stddef.h>
#include <stdint.h>

#define XFEATURE_X87 (1ull << 0)
#define XFEATURE_SSE (1ull << 1)
#define XFEATURE_AVX (1ull << 2)

#define XSAVE_LEGACY_SIZE 512
#define XSAVE_HEADER_SIZE 64

/* Decides which features are enabled; once on the boot CPU, before fpu_init_cpu(). */
void fpu_init(void);

/* CR0, CR4 and XCR0 of this CPU. */
void fpu_init_cpu(void);

/* Size in bytes of an area, header included (at least 576), and the enabled feature bits. */
size_t fpu_state_size(void);
uint64_t fpu_xcr0(void);

/* A 64-byte-aligned area in the initial state, or NULL. */
void *fpu_state_alloc(void);
void fpu_state_free(void *xstate);
void fpu_state_init(void *xstate);

/*
 * Makes bytes from outside loadable without a fault: clears unknown feature bits, reserved header
 * bytes and reserved MXCSR bits. len must be fpu_state_size(). Returns 0, or -EINVAL when the
 * state contains features this CPU has not enabled (retreat instead).
 */
int fpu_state_sanitize(void *xstate, size_t len);

/* Registers to memory and back, on this CPU. A state that the CPU refuses becomes the initial one. */
void fpu_save(void *xstate);
void fpu_restore(void *xstate);

#endif
