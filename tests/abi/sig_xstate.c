/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vector and x87 registers, and all others, are after a handler what they were; what it changes in its frame holds. */
#include <cpuid.h>
#include <fenv.h>
#include <immintrin.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t seen, change;
static int avx;

static void __attribute__((target("avx"))) spoil_avx(void)
{
	__asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0; vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0;"
			 "vmovaps %%ymm0, %%ymm7; vmovaps %%ymm0, %%ymm15" : : : "xmm0", "xmm7", "xmm15");
}

static void spoil(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;
	uint16_t cw;
	uint32_t csr;

	(void)sig;
	(void)si;
	/* A handler begins with fresh control words. */
	__asm__ volatile("fnstcw %0" : "=m"(cw));
	__asm__ volatile("stmxcsr %0" : "=m"(csr));
	CHECK(cw == 0x37f && (csr & 0xffc0) == 0x1f80);
	if (avx)
		spoil_avx();
	__asm__ volatile("fninit; fldz; fldz; fldz");
	__asm__ volatile("pcmpeqd %%xmm3, %%xmm3; movaps %%xmm3, %%xmm12" : : : "xmm3", "xmm12");
	if (change) {
		u->uc_mcontext.gregs[REG_R12] = 0x1212121212121212;
		u->uc_mcontext.gregs[REG_EFL] |= 1; /* carry */
		u->uc_mcontext.fpregs->_xmm[5].element[1] = 0xabcdef01;
		u->uc_mcontext.fpregs->mxcsr |= 0x8000;
	}
	seen++;
}

struct all {
	uint64_t gpr[4];
	uint8_t vec[16][32];
	uint64_t carry;
};

static void __attribute__((target("avx"), noinline)) with_avx(struct all *in, struct all *out)
{
	long ret = SYS_tgkill;

	__asm__ volatile(
		"vmovups (%1), %%ymm0; vmovups 32(%1), %%ymm1; vmovups 64(%1), %%ymm5; vmovups 96(%1), %%ymm7;"
		"vmovups 128(%1), %%ymm12; vmovups 160(%1), %%ymm15;"
		"mov $0x1111, %%r12; mov $0x2222, %%r13; clc; syscall;"
		"setc (%3); mov %%r12, (%4); mov %%r13, 8(%4);"
		"vmovups %%ymm0, (%2); vmovups %%ymm1, 32(%2); vmovups %%ymm5, 64(%2); vmovups %%ymm7, 96(%2);"
		"vmovups %%ymm12, 128(%2); vmovups %%ymm15, 160(%2)"
		: "+a"(ret)
		: "r"(in->vec), "r"(out->vec), "r"(&out->carry), "r"(out->gpr), "D"((long)getpid()),
		  "S"(syscall(SYS_gettid)), "d"((long)SIGUSR1)
		: "rcx", "r11", "r12", "r13", "memory", "xmm0", "xmm1", "xmm5", "xmm7", "xmm12", "xmm15", "cc");
	CHECK(ret == 0);
}

static void __attribute__((noinline)) with_sse(struct all *in, struct all *out)
{
	long ret = SYS_tgkill;

	__asm__ volatile(
		"movups (%1), %%xmm0; movups 32(%1), %%xmm1; movups 64(%1), %%xmm5; movups 96(%1), %%xmm7;"
		"movups 128(%1), %%xmm12; movups 160(%1), %%xmm15;"
		"mov $0x1111, %%r12; mov $0x2222, %%r13; clc; syscall;"
		"setc (%3); mov %%r12, (%4); mov %%r13, 8(%4);"
		"movups %%xmm0, (%2); movups %%xmm1, 32(%2); movups %%xmm5, 64(%2); movups %%xmm7, 96(%2);"
		"movups %%xmm12, 128(%2); movups %%xmm15, 160(%2)"
		: "+a"(ret)
		: "r"(in->vec), "r"(out->vec), "r"(&out->carry), "r"(out->gpr), "D"((long)getpid()),
		  "S"(syscall(SYS_gettid)), "d"((long)SIGUSR1)
		: "rcx", "r11", "r12", "r13", "memory", "xmm0", "xmm1", "xmm5", "xmm7", "xmm12", "xmm15", "cc");
	CHECK(ret == 0);
}

static void once(void)
{
	static struct all in, out;
	uint64_t state = 99;

	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < (avx ? 32 : 16); j++)
			in.vec[i][j] = rnd(&state);
	seen = 0;
	(avx ? with_avx : with_sse)(&in, &out);
	CHECK(seen == 1);
	if (change) {
		uint32_t word = 0xabcdef01;

		CHECK(out.carry == 1 && out.gpr[0] == 0x1212121212121212);
		memcpy(&in.vec[2][4], &word, 4);
	} else {
		CHECK(out.carry == 0 && out.gpr[0] == 0x1111);
	}
	CHECK(out.gpr[1] == 0x2222);
	for (unsigned i = 0; i < 6; i++)
		CHECK(!memcmp(in.vec[i], out.vec[i], 32));
}

static void test(void)
{
	struct sigaction sa = { .sa_sigaction = spoil, .sa_flags = SA_SIGINFO };
	long double x = 3.25L, y;
	uint32_t csr;

	avx = __builtin_cpu_supports("avx");
	CHECK(!sigaction(SIGUSR1, &sa, NULL));
	change = 0;
	once();
	change = 1;
	once();
	__asm__ volatile("stmxcsr %0" : "=m"(csr));
	CHECK(csr & 0x8000);
	csr &= ~0x8000u;
	__asm__ volatile("ldmxcsr %0" : : "m"(csr));
	change = 0;
	/* What is on the x87 stack, and how it rounds. */
	CHECK(!fesetround(FE_UPWARD));
	__asm__ volatile("fldt %0" : : "m"(x) : "st");
	syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGUSR1);
	__asm__ volatile("fstpt %0" : "=m"(y) : : "st");
	CHECK(y == 3.25L && fegetround() == FE_UPWARD);
	CHECK(!fesetround(FE_TONEAREST));
	signal(SIGUSR1, SIG_DFL);
	printf("registers ok\n");
}
