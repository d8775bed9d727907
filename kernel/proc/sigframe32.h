/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signal frames of i386 programs, byte for byte as Linux lays them (<asm/sigframe.h>,
 * <uapi/asm/sigcontext.h>), and the x87 state in them in the old format of FSAVE.
 *
 * Portable: compiled on the host for tests/unit/test_sigframe32.c.
 */
#ifndef KERNEL_PROC_SIGFRAME32_H
#define KERNEL_PROC_SIGFRAME32_H

#include <stdint.h>

struct sig_context32 {
	uint16_t gs, gsh, fs, fsh, es, esh, ds, dsh;
	uint32_t di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
	uint16_t cs, csh;
	uint32_t flags, sp_at_signal;
	uint16_t ss, ssh;
	uint32_t fpstate, oldmask, cr2;
};

/* Without SA_SIGINFO */
struct sigframe32 {
	uint32_t pretcode;
	int32_t sig;
	struct sig_context32 sc;
	uint8_t unused[624];	/* where the floating-point state once was */
	uint32_t extramask;	/* signals 33 to 64; the others are sc.oldmask */
	uint8_t retcode[8];
};

struct rt_sigframe32 {
	uint32_t pretcode;
	int32_t sig;
	uint32_t pinfo;
	uint32_t puc;
	uint8_t info[128];
	struct {
		uint32_t flags, link;
		uint32_t stack_sp, stack_flags, stack_size;
		struct sig_context32 mcontext;
		uint32_t sigmask[2];
	} uc;
	uint8_t retcode[8];
};

/* As FSAVE writes it, with the words that tell what follows (struct _fpstate_32). */
struct fsave {
	uint32_t cwd, swd, twd, fip, fcs, foo, fos;
	uint8_t st[8][10];
	uint16_t status, magic;
};

_Static_assert(sizeof(struct sig_context32) == 88, "struct sigcontext of i386");
_Static_assert(sizeof(struct sigframe32) == 732, "struct sigframe of i386");
_Static_assert(sizeof(struct rt_sigframe32) == 268, "struct rt_sigframe of i386");
_Static_assert(sizeof(struct fsave) == 112, "struct _fpstate of i386");

/* The x87 part of an XSAVE area, and back. cs, ds: what Linux says of the last instruction's. */
void fsave_from_xsave(struct fsave *f, const uint8_t *xsave, uint16_t cs, uint16_t ds);
void fsave_to_xsave(const struct fsave *f, uint8_t *xsave);

#endif
