/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of a signal handler: its layout is the host's, its place is the one Linux takes; and
 * the table of what an interrupted call becomes. Sources: kernel/proc/sigplace.c
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <ucontext.h>

#include "kernel/proc/restart.h"
#include "kernel/proc/sigframe.h"
#include "tests/unit/unit.h"

/* glibc's ucontext_t is the kernel's up to the signal mask. */
#define SAME_PLACE(ours, theirs)                                                                   \
	_Static_assert(offsetof(struct sig_ucontext, ours) == offsetof(ucontext_t, theirs), #ours)
#define SAME_REG(ours, n)                                                                          \
	_Static_assert(offsetof(struct sig_ucontext, mcontext.ours) ==                             \
			       offsetof(ucontext_t, uc_mcontext.gregs[n]), #ours)

SAME_PLACE(flags, uc_flags);
SAME_PLACE(link, uc_link);
SAME_PLACE(stack.sp, uc_stack.ss_sp);
SAME_PLACE(stack.flags, uc_stack.ss_flags);
SAME_PLACE(stack.size, uc_stack.ss_size);
SAME_PLACE(mcontext.fpstate, uc_mcontext.fpregs);
SAME_PLACE(sigmask, uc_sigmask);
SAME_REG(r8, REG_R8);
SAME_REG(r15, REG_R15);
SAME_REG(rdi, REG_RDI);
SAME_REG(rbp, REG_RBP);
SAME_REG(rbx, REG_RBX);
SAME_REG(rdx, REG_RDX);
SAME_REG(rax, REG_RAX);
SAME_REG(rcx, REG_RCX);
SAME_REG(rsp, REG_RSP);
SAME_REG(rip, REG_RIP);
SAME_REG(eflags, REG_EFL);
SAME_REG(cs, REG_CSGSFS);
SAME_REG(err, REG_ERR);
SAME_REG(trapno, REG_TRAPNO);
SAME_REG(oldmask, REG_OLDMASK);
SAME_REG(cr2, REG_CR2);
_Static_assert(sizeof(struct sig_context) == 256, "struct sigcontext_64");
_Static_assert(sizeof(struct fpx_sw_bytes) == 48, "struct _fpx_sw_bytes");
_Static_assert(FPX_SW_OFFSET + sizeof(struct fpx_sw_bytes) == 512, "end of FXSAVE area");
_Static_assert(offsetof(struct siginfo, fault.addr) == offsetof(siginfo_t, si_addr), "si_addr");
_Static_assert(offsetof(struct siginfo, from.pid) == offsetof(siginfo_t, si_pid), "si_pid");
_Static_assert(offsetof(struct siginfo, from.value) == offsetof(siginfo_t, si_value), "si_value");
_Static_assert(LSIG_SEGV == SIGSEGV && LSIG_CHLD == SIGCHLD && LSIG_SYS == SIGSYS, "numbers");
_Static_assert(LSIG_TTOU == SIGTTOU && LSIG_WINCH == SIGWINCH, "numbers");
_Static_assert(LSIG_STKFLT == SIGSTKFLT && LSIG_XFSZ == SIGXFSZ, "numbers");
_Static_assert(LSA_RESTART == SA_RESTART && LSA_NODEFER == SA_NODEFER, "flags");
_Static_assert(LSA_RESETHAND == (unsigned)SA_RESETHAND && LSA_ONSTACK == SA_ONSTACK, "flags");

#define FP 836u		/* AVX and the second magic number */
#define TOP 0x7ffd12345678ull

static void check_frame(uint64_t at, uint64_t fp, uint64_t below)
{
	CHECK(fp % 64 == 0 && fp + FP <= below && below - (fp + FP) < 64);
	CHECK(at % 16 == 8 && at + sizeof(struct rt_sigframe) <= fp);
	CHECK(fp - at < sizeof(struct rt_sigframe) + 24);
}

TEST(place)
{
	const uint64_t alt = 0x10000000, size = 8192;
	uint64_t fp, at;

	for (uint64_t sp = TOP; sp < TOP + 64; sp++) {
		at = sigframe_place(sp, 0, 0, LSS_DISABLE, true, FP, &fp);
		check_frame(at, fp, sp - SIGFRAME_RED_ZONE);
	}
	/* The alternate stack only for handlers that ask for it, from its top, and once. */
	at = sigframe_place(TOP, alt, size, 0, false, FP, &fp);
	check_frame(at, fp, TOP - SIGFRAME_RED_ZONE);
	at = sigframe_place(TOP, alt, size, 0, true, FP, &fp);
	check_frame(at, fp, alt + size);
	at = sigframe_place(alt + 4096, alt, size, 0, true, FP, &fp);
	check_frame(at, fp, alt + 4096 - SIGFRAME_RED_ZONE);
	/* One that is too small for the frame, from the start or after some nesting. */
	CHECK(sigframe_place(TOP, alt, 1024, 0, true, FP, &fp) == SIGFRAME_NONE);
	CHECK(sigframe_place(alt + 1000, alt, size, 0, true, FP, &fp) == SIGFRAME_NONE);
	/* With SS_AUTODISARM one is never "on" it. */
	at = sigframe_place(alt + 4096, alt, size, LSS_AUTODISARM, true, FP, &fp);
	check_frame(at, fp, alt + size);
}

TEST(altstack_limits)
{
	CHECK(!on_altstack(0x1000, 0x1000, 0x1000, 0));
	CHECK(on_altstack(0x1001, 0x1000, 0x1000, 0) && on_altstack(0x2000, 0x1000, 0x1000, 0));
	CHECK(!on_altstack(0x2001, 0x1000, 0x1000, 0));
}

TEST(restart)
{
	static const struct {
		long ret;
		enum restart_action none, handler, sa_restart;
	} table[] = {
		{ -ERESTARTSYS_, RESTART_AGAIN, RESTART_EINTR, RESTART_AGAIN },
		{ -ERESTARTNOINTR_, RESTART_AGAIN, RESTART_AGAIN, RESTART_AGAIN },
		{ -ERESTARTNOHAND_, RESTART_AGAIN, RESTART_EINTR, RESTART_EINTR },
		{ -ERESTART_RESTARTBLOCK_, RESTART_GO_ON, RESTART_EINTR, RESTART_EINTR },
		{ -EINTR, RESTART_NOT, RESTART_NOT, RESTART_NOT },
		{ 0, RESTART_NOT, RESTART_NOT, RESTART_NOT },
		{ -515, RESTART_NOT, RESTART_NOT, RESTART_NOT },
	};

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CHECK(restart_decide(table[i].ret, false, false) == table[i].none);
		CHECK(restart_decide(table[i].ret, true, false) == table[i].handler);
		CHECK(restart_decide(table[i].ret, true, true) == table[i].sa_restart);
		CHECK(restart_code(table[i].ret) == (table[i].none != RESTART_NOT));
	}
}
