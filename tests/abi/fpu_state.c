/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating point and vector registers, rounding mode and exception flags survive calls, signals and time. */
#include <fenv.h>
#include <immintrin.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

#include "tests/abi/abi.h"

static volatile sig_atomic_t signals;

static void spoil(int sig)
{
	volatile double d = 1.0;

	(void)sig;
	signals++;
	fesetround(FE_DOWNWARD);
	for (int i = 1; i < 50; i++)
		d = d / i + 0.1;
	__asm__ volatile("vpxor %%xmm0, %%xmm0, %%xmm0\n vpxor %%xmm7, %%xmm7, %%xmm7\n fldpi" ::
			 : "memory");
}

__attribute__((target("avx"))) static void vectors(void)
{
	uint64_t in[16][4], out[16][4];
	uint64_t state = 99;

	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 4; j++)
			in[i][j] = (uint64_t)rnd(&state) << 32 | rnd(&state);
	for (int round = 0; round < 30; round++) {
		register long rax __asm__("rax") = 39;	/* getpid */

		__asm__ volatile(
			"vmovdqu 0(%2), %%ymm0\n vmovdqu 32(%2), %%ymm1\n vmovdqu 64(%2), %%ymm2\n"
			"vmovdqu 96(%2), %%ymm3\n vmovdqu 224(%2), %%ymm7\n vmovdqu 480(%2), %%ymm15\n"
			"fldpi\n fldl2e\n"
			"syscall\n"
			"mov $39, %%eax\n syscall\n"
			"vmovdqu %%ymm0, 0(%3)\n vmovdqu %%ymm1, 32(%3)\n vmovdqu %%ymm2, 64(%3)\n"
			"vmovdqu %%ymm3, 96(%3)\n vmovdqu %%ymm7, 224(%3)\n vmovdqu %%ymm15, 480(%3)\n"
			"fstp %%st(0)\n fstp %%st(0)\n"
			: "+r"(rax), "=m"(out)
			: "r"(in), "r"(out)
			: "rcx", "r11", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm7", "xmm15");
		for (int i = 0; i < 16; i++)
			if (i < 4 || i == 7 || i == 15)
				CHECK(!memcmp(in[i], out[i], 32));
	}
}

static void test(void)
{
	volatile double sum = 0, third = 1.0 / 3;
	volatile long double ld = 1;

	signal(SIGUSR1, spoil);
	signals = 0;
	CHECK(!fesetround(FE_UPWARD));
	volatile double up = 1.0 / 3;
	CHECK(!raise(SIGUSR1) && signals == 1);
	CHECK(fegetround() == FE_UPWARD);
	volatile double one = 1.0, three = 3.0;
	CHECK(one / three >= third);
	CHECK(!fesetround(FE_TONEAREST));
	feclearexcept(FE_ALL_EXCEPT);
	volatile double zero = 0;
	CHECK(isinf(one / zero) && fetestexcept(FE_DIVBYZERO));
	getppid();
	CHECK(fetestexcept(FE_DIVBYZERO) && !fetestexcept(FE_OVERFLOW));
	for (int i = 1; i < 20000; i++) {
		sum += sin(i) * sqrt(i);
		ld = ld * 1.0001L + 1.0L / i;
		if (i % 1000 == 0)
			raise(SIGUSR1);
	}
	if (__builtin_cpu_supports("avx"))
		vectors();
	printf("%.17g %.20Lg %a\n", sum, ld, up);
	signal(SIGUSR1, SIG_DFL);
}
