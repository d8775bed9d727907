/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUID bits a program can see and use, and their names as /proc/cpuinfo gives them. */
#include "proto/cpufeatures.h"

#include <stddef.h>
#include <stdio.h>

#define W(word, bit, name) { word, bit, name }

static const struct {
	uint8_t word, bit;
	const char *name;
} names[] = {
	W(CPU_1_ECX, 0, "sse3"), W(CPU_1_ECX, 1, "pclmulqdq"), W(CPU_1_ECX, 9, "ssse3"),
	W(CPU_1_ECX, 12, "fma"), W(CPU_1_ECX, 13, "cx16"), W(CPU_1_ECX, 19, "sse4_1"),
	W(CPU_1_ECX, 20, "sse4_2"), W(CPU_1_ECX, 22, "movbe"), W(CPU_1_ECX, 23, "popcnt"),
	W(CPU_1_ECX, 25, "aes"), W(CPU_1_ECX, 26, "xsave"), W(CPU_1_ECX, 28, "avx"),
	W(CPU_1_ECX, 29, "f16c"), W(CPU_1_ECX, 30, "rdrand"),
	W(CPU_1_EDX, 8, "cx8"), W(CPU_1_EDX, 15, "cmov"), W(CPU_1_EDX, 23, "mmx"),
	W(CPU_1_EDX, 24, "fxsr"), W(CPU_1_EDX, 25, "sse"), W(CPU_1_EDX, 26, "sse2"),
	W(CPU_7_EBX, 0, "fsgsbase"), W(CPU_7_EBX, 3, "bmi1"), W(CPU_7_EBX, 4, "hle"),
	W(CPU_7_EBX, 5, "avx2"), W(CPU_7_EBX, 8, "bmi2"), W(CPU_7_EBX, 9, "erms"),
	W(CPU_7_EBX, 11, "rtm"), W(CPU_7_EBX, 16, "avx512f"), W(CPU_7_EBX, 17, "avx512dq"),
	W(CPU_7_EBX, 18, "rdseed"), W(CPU_7_EBX, 19, "adx"), W(CPU_7_EBX, 21, "avx512ifma"),
	W(CPU_7_EBX, 23, "clflushopt"), W(CPU_7_EBX, 24, "clwb"), W(CPU_7_EBX, 28, "avx512cd"),
	W(CPU_7_EBX, 29, "sha_ni"), W(CPU_7_EBX, 30, "avx512bw"), W(CPU_7_EBX, 31, "avx512vl"),
	W(CPU_7_ECX, 1, "avx512vbmi"), W(CPU_7_ECX, 3, "pku"), W(CPU_7_ECX, 6, "avx512_vbmi2"),
	W(CPU_7_ECX, 8, "gfni"), W(CPU_7_ECX, 9, "vaes"), W(CPU_7_ECX, 10, "vpclmulqdq"),
	W(CPU_7_ECX, 11, "avx512_vnni"), W(CPU_7_ECX, 12, "avx512_bitalg"),
	W(CPU_7_ECX, 14, "avx512_vpopcntdq"), W(CPU_7_ECX, 22, "rdpid"),
	W(CPU_7_EDX, 2, "avx512_4vnniw"), W(CPU_7_EDX, 3, "avx512_4fmaps"),
	W(CPU_7_EDX, 8, "avx512_vp2intersect"), W(CPU_7_EDX, 22, "amx_bf16"),
	W(CPU_7_EDX, 23, "avx512_fp16"), W(CPU_7_EDX, 24, "amx_tile"),
	W(CPU_7_EDX, 25, "amx_int8"),
	W(CPU_D1_EAX, 1, "xsavec"), W(CPU_D1_EAX, 2, "xgetbv1"),
	W(CPU_EXT_ECX, 0, "lahf_lm"), W(CPU_EXT_ECX, 5, "abm"), W(CPU_EXT_ECX, 6, "sse4a"),
	W(CPU_EXT_ECX, 7, "misalignsse"), W(CPU_EXT_ECX, 8, "3dnowprefetch"),
	W(CPU_EXT_ECX, 11, "xop"), W(CPU_EXT_ECX, 16, "fma4"), W(CPU_EXT_ECX, 21, "tbm"),
	W(CPU_EXT_EDX, 22, "mmxext"), W(CPU_EXT_EDX, 27, "rdtscp"),
	W(CPU_EXT_EDX, 30, "3dnowext"), W(CPU_EXT_EDX, 31, "3dnow"),
};

#undef W

const uint32_t cpu_user_bits[WIRE_CPU_WORDS] = {
	[CPU_1_ECX] = 1u << 0 | 1u << 1 | 1u << 9 | 1u << 12 | 1u << 13 | 1u << 19 | 1u << 20 |
		      1u << 22 | 1u << 23 | 1u << 25 | 1u << 26 | 1u << 28 | 1u << 29 | 1u << 30,
	[CPU_1_EDX] = 1u << 8 | 1u << 15 | 1u << 23 | 1u << 24 | 1u << 25 | 1u << 26,
	[CPU_7_EBX] = 1u << 0 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 8 | 1u << 11 | 1u << 16 |
		      1u << 17 | 1u << 18 | 1u << 19 | 1u << 21 | 1u << 23 | 1u << 24 | 1u << 28 |
		      1u << 29 | 1u << 30 | 1u << 31,
	[CPU_7_ECX] = 1u << 1 | 1u << 3 | 1u << 6 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 11 |
		      1u << 12 | 1u << 14 | 1u << 22,
	[CPU_7_EDX] = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25,
	[CPU_D1_EAX] = 1u << 1 | 1u << 2,
	[CPU_EXT_ECX] = 1u << 0 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 11 | 1u << 16 |
			1u << 21,
	[CPU_EXT_EDX] = 1u << 22 | 1u << 27 | 1u << 30 | 1u << 31,
};

const char *cpu_lacking(const uint32_t need[WIRE_CPU_WORDS], const uint32_t have[WIRE_CPU_WORDS],
			char *buf, unsigned size)
{
	for (unsigned w = 0; w < WIRE_CPU_WORDS; w++) {
		uint32_t miss = need[w] & ~have[w] & cpu_user_bits[w];

		if (!miss)
			continue;
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (names[i].word == w && miss >> names[i].bit & 1) {
				snprintf(buf, size, "%s", names[i].name);
				return buf;
			}
		snprintf(buf, size, "cpuid word %u bit %u", w, (unsigned)__builtin_ctz(miss));
		return buf;
	}
	return NULL;
}
