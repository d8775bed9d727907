/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions of user code become signals, as Linux translates them (arch/x86's traps); what this
 * CPU cannot execute goes home, where it may.
 */
#include <string.h>

#include "kernel/abi/compat.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/uaccess.h"
#include "kernel/proc/proc.h"
#include "kernel/proc/signal.h"

#define FSW_OFFSET   2
#define FCW_OFFSET   0
#define MXCSR_OFFSET 24

/* What signal frames say about the last fault. */
static void note_trap(uint32_t nr, uint32_t err)
{
	current_user->trap_nr = nr;
	current_user->trap_err = err;
}

/* si_code of SIGFPE from the pending, unmasked exceptions of the unit. */
static int fpe_code(bool simd)
{
	const uint8_t *x = current->xstate;
	uint32_t pending, mxcsr;
	uint16_t fsw, fcw;

	thread_state_save();
	if (simd) {
		memcpy(&mxcsr, x + MXCSR_OFFSET, sizeof(mxcsr));
		pending = mxcsr & ~(mxcsr >> 7);
	} else {
		memcpy(&fsw, x + FSW_OFFSET, sizeof(fsw));
		memcpy(&fcw, x + FCW_OFFSET, sizeof(fcw));
		pending = fsw & ~fcw;
	}
	if (pending & 0x01)
		return LFPE_FLTINV;
	if (pending & 0x04)
		return LFPE_FLTDIV;
	if (pending & 0x08)
		return LFPE_FLTOVF;
	if (pending & 0x12)
		return LFPE_FLTUND;
	if (pending & 0x20)
		return LFPE_FLTRES;
	return 0;
}

/*
 * Home has the CPU the program was made for, and decides: it may know the instruction, or raise
 * SIGILL itself. Its first bytes help whoever reads the reason.
 */
static void illegal_instruction(const struct trapframe *tf)
{
	uint8_t code[8] = { 0 };
	size_t got = sizeof(code) - copy_from_user(code, tf->rip, sizeof(code));
	char hex[3 * sizeof(code) + 1] = "";

	for (size_t i = 0; i < got; i++) {
		hex[3 * i] = "0123456789abcdef"[code[i] >> 4];
		hex[3 * i + 1] = "0123456789abcdef"[code[i] & 15];
		hex[3 * i + 2] = i + 1 < got ? ' ' : 0;
	}
	retreat(WHY_CPU, "illegal instruction at %#llx (%s)", (unsigned long long)tf->rip, hex);
}

void user_exception(struct trapframe *tf)
{
	if ((tf->vector == TRAP_INVALID_OPCODE || tf->vector == TRAP_PROTECTION) &&
	    compat_fast_call(tf))
		return;
	note_trap(tf->vector, tf->error);
	switch (tf->vector) {
	case TRAP_DIVIDE:
		signal_force(LSIG_FPE, LFPE_INTDIV, tf->rip, true);
		break;
	case TRAP_DEBUG:
		signal_force(LSIG_TRAP, LTRAP_TRACE, tf->rip, false);
		break;
	case TRAP_BREAKPOINT:
		signal_force(LSIG_TRAP, LSI_KERNEL, 0, false);
		break;
	case TRAP_OVERFLOW:
	case TRAP_BOUND:
	case TRAP_NO_SEGMENT:
	case TRAP_STACK:
	case TRAP_INVALID_TSS:
	case TRAP_PROTECTION:
	default:
		signal_force(tf->vector == TRAP_NO_SEGMENT || tf->vector == TRAP_STACK ? LSIG_BUS
										       : LSIG_SEGV,
			     LSI_KERNEL, 0, true);
		break;
	case TRAP_INVALID_OPCODE:
		illegal_instruction(tf);
		break;
	case TRAP_X87:
		signal_force(LSIG_FPE, fpe_code(false), tf->rip, true);
		break;
	case TRAP_SIMD:
		signal_force(LSIG_FPE, fpe_code(true), tf->rip, true);
		break;
	case TRAP_ALIGNMENT:
		signal_force(LSIG_BUS, LBUS_ADRALN, 0, true);
		break;
	}
}

/* --- page faults that memory management could not resolve ------------------------------------- */

void user_fault_signal(struct trapframe *tf, int signo, int code, uint64_t addr)
{
	note_trap(TRAP_PAGE_FAULT, tf->error);
	current_user->trap_addr = addr;
	signal_force(signo, code, addr, true);
}

void user_out_of_memory(struct trapframe *tf)
{
	(void)tf;
	retreat(WHY_MEMORY, "no memory left here");
}

void user_fault_remote(struct trapframe *tf, uint64_t addr)
{
	(void)tf;
	retreat(WHY_MAPPING, "access to memory that exists only at home, at %#llx",
		(unsigned long long)addr);
}
