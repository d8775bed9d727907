/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU state of user threads (Intel SDM vol. 1, chapter 13). At most x87, SSE and AVX are enabled: a
 * process that was shown more does not come here.
 */
#include "kernel/cpu/fpu.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"

#define XFEATURES_WANTED (XFEATURE_X87 | XFEATURE_SSE | XFEATURE_AVX)
#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80
#define MXCSR_OFFSET 24
#define MXCSR_MASK_OFFSET 28
#define MXCSR_MASK_OLD 0xffbf /* where FXSAVE reports no mask */

static uint64_t xcr0;
static size_t state_size = XSAVE_LEGACY_SIZE + XSAVE_HEADER_SIZE;
static uint32_t mxcsr_mask = MXCSR_MASK_OLD;

static void read_mxcsr_mask(void)
{
	uint8_t area[XSAVE_LEGACY_SIZE] __attribute__((aligned(64)));
	uint32_t mask;

	memset(area, 0, sizeof(area));
	__asm__ volatile("fxsave64 %0" : "=m"(area));
	memcpy(&mask, area + MXCSR_MASK_OFFSET, sizeof(mask));
	if (mask)
		mxcsr_mask = mask;
}

void fpu_init(void)
{
	uint32_t r[4];

	if (CPU_HAS_XSAVE) {
		cpuid(0xd, 0, r);
		xcr0 = XFEATURES_WANTED & ((uint64_t)r[3] << 32 | r[0]);
		/* AVX state without the instructions is of no use, and the reverse impossible. */
		if (!CPU_HAS_AVX)
			xcr0 &= ~XFEATURE_AVX;
	} else {
		xcr0 = XFEATURE_X87 | XFEATURE_SSE;
	}
	cpu_features.xcr0 = xcr0;
	fpu_init_cpu();
	if (CPU_HAS_XSAVE) {
		cpuid(0xd, 0, r);
		state_size = r[1]; /* for what XCR0 enables now */
	}
	read_mxcsr_mask();
}

void fpu_init_cpu(void)
{
	write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT | (CPU_HAS_XSAVE ? CR4_OSXSAVE : 0));
	if (CPU_HAS_XSAVE)
		xsetbv(0, xcr0);
	__asm__ volatile("fninit");
}

size_t fpu_state_size(void)
{
	return state_size;
}

uint64_t fpu_xcr0(void)
{
	return xcr0;
}

void *fpu_state_alloc(void)
{
	/* Sizes from 576 on come 64-byte aligned from the heap when rounded up to a power of two. */
	size_t size = 1024;
	void *xstate;

	while (size < state_size)
		size *= 2;
	xstate = kmalloc(size);
	if (xstate) {
		KASSERT(((uint64_t)xstate & 63) == 0);
		fpu_state_init(xstate);
	}
	return xstate;
}

void fpu_state_free(void *xstate)
{
	kfree(xstate);
}

void fpu_state_init(void *xstate)
{
	uint16_t fcw = FCW_DEFAULT;
	uint32_t mxcsr = MXCSR_DEFAULT;
	uint64_t features = XFEATURE_X87 | XFEATURE_SSE;

	memset(xstate, 0, state_size);
	memcpy(xstate, &fcw, sizeof(fcw));
	memcpy((uint8_t *)xstate + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	memcpy((uint8_t *)xstate + MXCSR_MASK_OFFSET, &mxcsr_mask, sizeof(mxcsr_mask));
	/* FXRSTOR ignores the header; XRSTOR takes what is not named there as initial. */
	memcpy((uint8_t *)xstate + XSAVE_LEGACY_SIZE, &features, sizeof(features));
}

int fpu_state_sanitize(void *xstate, size_t len)
{
	uint8_t *area = xstate;
	uint64_t features;
	uint32_t mxcsr;

	if (len != state_size)
		return -EINVAL;
	memcpy(&features, area + XSAVE_LEGACY_SIZE, sizeof(features));
	if (features & ~xcr0)
		return -EINVAL;
	memset(area + XSAVE_LEGACY_SIZE + 8, 0, XSAVE_HEADER_SIZE - 8);
	memcpy(&mxcsr, area + MXCSR_OFFSET, sizeof(mxcsr));
	mxcsr &= mxcsr_mask;
	memcpy(area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	return 0;
}

void fpu_save(void *xstate)
{
	uint32_t lo = (uint32_t)xcr0, hi = (uint32_t)(xcr0 >> 32);

	/*
	 * XSAVE, not XSAVEOPT: its shortcut for unmodified state would rely on nobody having changed
	 * the area since the last restore.
	 */
	if (CPU_HAS_XSAVE)
		__asm__ volatile("xsave64 (%0)" : : "r"(xstate), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(xstate) : "memory");
}

void fpu_restore(void *xstate)
{
	uint32_t lo = (uint32_t)xcr0, hi = (uint32_t)(xcr0 >> 32);

	uint64_t bad = 0;

	/* A state that the CPU refuses, however it came about, must not take the kernel down. */
	if (CPU_HAS_XSAVE)
		__asm__ volatile("1: xrstor64 (%1)\n\t"
				 "jmp 3f\n"
				 "2: movq $1, %0\n"
				 "3:\n\t" EXTABLE(1b, 2b)
				 : "+r"(bad)
				 : "r"(xstate), "a"(lo), "d"(hi)
				 : "memory");
	else
		__asm__ volatile("1: fxrstor64 (%1)\n\t"
				 "jmp 3f\n"
				 "2: movq $1, %0\n"
				 "3:\n\t" EXTABLE(1b, 2b)
				 : "+r"(bad)
				 : "r"(xstate)
				 : "memory");
	if (bad) {
		trace("fpu: invalid state replaced by the initial one");
		fpu_state_init(xstate);
		fpu_restore(xstate);
	}
}
