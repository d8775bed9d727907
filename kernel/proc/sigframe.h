/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a signal handler finds on its stack: the x86-64 rt_sigframe of Linux (its
 * <asm/sigcontext.h>, <asm/ucontext.h>), byte for byte, since programs and unwinders read and
 * change it.
 *
 * Portable: tests/unit/test_sigframe.c compares it with the host's <ucontext.h>.
 */
#ifndef KERNEL_PROC_SIGFRAME_H
#define KERNEL_PROC_SIGFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/proc/sigqueue.h"

struct sig_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};

struct sig_stack {
	uint64_t sp;
	uint32_t flags;
	uint32_t pad;
	uint64_t size;
};

struct sig_ucontext {
	uint64_t flags;
	uint64_t link;
	struct sig_stack stack;
	struct sig_context mcontext;
	uint64_t sigmask;
};

struct rt_sigframe {
	uint64_t pretcode;	/* where the handler returns to: sa_restorer */
	struct sig_ucontext uc;
	struct siginfo info;
};

#define UC_FP_XSTATE 1ull
#define UC_SIGCONTEXT_SS 2ull
#define UC_STRICT_RESTORE_SS 4ull

/* Bytes 464..511 of the FXSAVE area: says how much state follows. */
struct fpx_sw_bytes {
	uint32_t magic1;
	uint32_t extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
	uint32_t padding[7];
};

#define FPX_SW_OFFSET 464
#define XFRAME_MAGIC1 0x46505853u
#define XFRAME_MAGIC2 0x46505845u
#define XFRAME_MAGIC2_SIZE 4u

#define SIGFRAME_RED_ZONE 128u
#define SIGFRAME_NONE 0ull

/*
 * Where the frame goes. sp: the interrupted stack pointer; alt_*: the alternate stack (flags
 * without SS_ONSTACK); on_stack: the action has SA_ONSTACK; fp_size: bytes of floating-point state.
 * Returns the frame's address, with *fp that of the state; SIGFRAME_NONE when it would run off the
 * alternate stack.
 */
uint64_t sigframe_place(uint64_t sp, uint64_t alt_sp, uint64_t alt_size, uint32_t alt_flags,
			bool on_stack, uint32_t fp_size, uint64_t *fp);

/* Is sp within the alternate stack? */
static inline bool on_altstack(uint64_t sp, uint64_t alt_sp, uint64_t alt_size, uint32_t flags)
{
	if (flags & LSS_AUTODISARM)
		return false;
	return sp > alt_sp && sp - alt_sp <= alt_size;
}

#endif
