/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both kinds of signal frames of i386: what handlers find in them, and what they may change; x87 and SSE
 * state over a handler; handlers without SA_RESTORER.
 */
#include <fenv.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

struct kernel_action {
	void *handler;
	unsigned long flags;
	void *restorer;
	uint64_t mask;
};

static volatile int seen, spoil_fpu;
static uint8_t alt[32768];

/* As <asm/sigcontext.h> has it: what lies on the stack behind the signal's number. */
struct context {
	uint16_t gs, gsh, fs, fsh, es, esh, ds, dsh;
	uint32_t di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
	uint16_t cs, csh;
	uint32_t flags, sp_at_signal;
	uint16_t ss, ssh;
	uint32_t fpstate, oldmask, cr2;
};

static void old_handler(int sig, struct context c)
{
	CHECK(sig == SIGILL && c.cs == 0x23 && c.ss == 0x2b && c.ds == 0x2b && c.gs == 0x63);
	CHECK(c.trapno == 6 && *(uint16_t *)(uintptr_t)c.ip == 0x0b0f && c.fpstate);
	CHECK(c.oldmask == 1u << (SIGUSR2 - 1));
	seen = 1;
	/* Changes of a by-value argument are what sigreturn takes. */
	((volatile struct context *)&c)->ip += 2;
	((volatile struct context *)&c)->bx = 4711;
}

static void info_handler(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;
	volatile double d = 1.5;

	CHECK(sig == SIGILL && si->si_signo == SIGILL && si->si_code == ILL_ILLOPN);
	CHECK(si->si_addr == (void *)(uintptr_t)u->uc_mcontext.gregs[REG_EIP]);
	CHECK(((uintptr_t)__builtin_frame_address(0) - (uintptr_t)alt) < sizeof(alt));
	CHECK(u->uc_stack.ss_sp == alt && u->uc_stack.ss_size == sizeof(alt));
	if (spoil_fpu) {
		d = d / 3;
		fesetround(FE_UPWARD);
	}
	seen = 2;
	u->uc_mcontext.gregs[REG_EIP] += 2;
	u->uc_mcontext.gregs[REG_EBX] = 1174;
}

static long illegal(void)
{
	long bx = 1;

	__asm__ volatile("ud2" : "+b"(bx) : : "memory");
	return bx;
}

static void test(void)
{
	struct kernel_action act = { old_handler, 0, NULL, 0 };
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, none = { .ss_flags = SS_DISABLE };
	long double a = 1.25L, b = 3.0L, got;
	uint32_t mxcsr, before;
	sigset_t usr, old;
	uint8_t xmm[16], want[16];

	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR2);
	CHECK(!sigprocmask(SIG_BLOCK, &usr, &old));
	CHECK(!syscall(SYS_rt_sigaction, SIGILL, &act, NULL, 8));
	CHECK(illegal() == 4711 && seen == 1);
	CHECK(!sigaltstack(&ss, NULL));
	act = (struct kernel_action){ info_handler, SA_SIGINFO | SA_ONSTACK, NULL, 0 };
	CHECK(!syscall(SYS_rt_sigaction, SIGILL, &act, NULL, 8));
	CHECK(illegal() == 1174 && seen == 2);
	spoil_fpu = 1;
	for (unsigned i = 0; i < 16; i++)
		want[i] = i * 7 + 1;
	CHECK(!fesetround(FE_DOWNWARD));
	__asm__ volatile("stmxcsr %0" : "=m"(before));
	__asm__ volatile("movdqu %2, %%xmm5\n\t"
			 "fldt %3\n\tfldt %4\n\t"
			 "ud2\n\t"
			 "faddp\n\tfstpt %1\n\t"
			 "movdqu %%xmm5, %0"
			 : "=m"(xmm), "=m"(got)
			 : "m"(want), "m"(a), "m"(b)
			 : "ebx", "memory", "st", "st(1)");
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	CHECK(got == 4.25L && !memcmp(xmm, want, 16) && fegetround() == FE_DOWNWARD && mxcsr == before);
	CHECK(!fesetround(FE_TONEAREST) && !sigaltstack(&none, NULL));
	CHECK(signal(SIGILL, SIG_DFL) != SIG_ERR && !sigprocmask(SIG_SETMASK, &old, NULL));
	printf("frames ok\n");
}
