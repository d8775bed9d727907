/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended state between CPUs that put it at different places: what is in use arrives, what the other
 * side lacks is refused by name, and nothing that the wire says can make an area that Linux refuses.
 * Sources: userland/deputy/xstate.c proto/wire.c
 */
#include "tests/unit/unit.h"

#include "userland/deputy/xstate.h"

enum { AVX = 2, OPMASK = 5, ZMM = 6, HI16 = 7, PKRU = 9 };

/* As AMD's Zen 4 has it, and as Intel's Skylake-SP. */
static const struct xlayout amd = {
	.features = 0x2e7, .size = 2440,
	.part = { [0] = { 0, 160 }, [1] = { 160, 256 }, [AVX] = { 576, 256 }, [OPMASK] = { 832, 64 },
		  [ZMM] = { 896, 512 }, [HI16] = { 1408, 1024 }, [PKRU] = { 2432, 8 } },
};
static const struct xlayout intel = {
	.features = 0x2e7, .size = 2696,
	.part = { [0] = { 0, 160 }, [1] = { 160, 256 }, [AVX] = { 576, 256 }, [OPMASK] = { 1088, 64 },
		  [ZMM] = { 1152, 512 }, [HI16] = { 1664, 1024 }, [PKRU] = { 2688, 8 } },
};
static const struct xlayout old = {
	.features = 7, .size = 832,
	.part = { [0] = { 0, 160 }, [1] = { 160, 256 }, [AVX] = { 576, 256 } },
};

#define PKRU_DEFAULT 0x55555554u

static uint64_t *bv(uint8_t *area)
{
	return (uint64_t *)(area + 512);
}

/* A home area with every part of used filled with its number. */
static void fill(const struct xlayout *l, uint8_t *area, uint64_t used)
{
	const uint32_t mxcsr = 0x1f80, mask = 0xffff, pkru = PKRU_DEFAULT;

	memset(area, 0, l->size);
	memset(area + 32, 0x31, 128);
	memset(area + 160, 0x32, 256);
	memcpy(area + 24, &mxcsr, 4);
	memcpy(area + 28, &mask, 4);
	*bv(area) = used | 3;
	for (int i = AVX; i < 63; i++)
		if (used >> i & 1)
			memset(area + l->part[i].offset, 0x30 + i, l->part[i].size);
	if (l->part[PKRU].size) {
		memcpy(area + l->part[PKRU].offset, &pkru, 4);
		*bv(area) |= 1u << PKRU;
	}
}

TEST(avx_goes_to_any_node_and_back)
{
	_Alignas(64) uint8_t area[4096], wire[WIRE_XSTATE_MAX], back[4096];
	struct wire_text why = { 0 };
	int n;

	fill(&amd, area, 1 << AVX);
	n = xstate_to_wire(&amd, area, amd.size, 7, wire, &why);
	CHECK_EQ(n, 832);
	CHECK_EQ(*bv(wire), 7);
	fill(&intel, back, 0);
	CHECK(!xstate_from_wire(&intel, wire, (size_t)n, back, intel.size));
	CHECK(!memcmp(back + 576, area + 576, 256) && !memcmp(back + 160, area + 160, 256));
	CHECK_EQ(*bv(back), 7 | 1 << PKRU);
}

TEST(avx512_finds_its_place_on_the_other_cpu)
{
	_Alignas(64) uint8_t area[4096], wire[WIRE_XSTATE_MAX], back[4096];
	const uint64_t used = 1 << AVX | 1 << OPMASK | 1 << ZMM | 1 << HI16;
	struct wire_text why = { 0 };
	int n;

	fill(&amd, area, used);
	n = xstate_to_wire(&amd, area, amd.size, 0xe7, wire, &why);
	CHECK_EQ(n, 2688);
	fill(&intel, back, 0);
	CHECK(!xstate_from_wire(&intel, wire, (size_t)n, back, intel.size));
	for (int i = OPMASK; i <= HI16; i++)
		for (uint32_t k = 0; k < intel.part[i].size; k++)
			CHECK_EQ(back[intel.part[i].offset + k], 0x30 + i);
	CHECK_EQ(back[intel.part[PKRU].offset], PKRU_DEFAULT & 0xff);
}

TEST(what_the_node_lacks_is_named)
{
	_Alignas(64) uint8_t area[4096], wire[WIRE_XSTATE_MAX];
	struct wire_text why = { 0 };
	uint32_t pkru = 0;

	fill(&amd, area, 1 << ZMM);
	CHECK(xstate_to_wire(&amd, area, amd.size, 7, wire, &why) < 0);
	CHECK_EQ(why.code, WHY_CPU);
	CHECK(strstr(why.text, "avx512"));

	/* Named, but all zeros: that is the initial state. */
	fill(&amd, area, 0);
	*bv(area) |= 1 << ZMM;
	CHECK(xstate_to_wire(&amd, area, amd.size, 7, wire, &why) > 0);

	fill(&amd, area, 0);
	pkru = 0x55555550;
	memcpy(area + amd.part[PKRU].offset, &pkru, 4);
	memset(&why, 0, sizeof(why));
	CHECK(xstate_to_wire(&amd, area, amd.size, 0x2e7, wire, &why) < 0);
	CHECK(strstr(why.text, "pku"));
}

TEST(an_initial_state_stays_initial)
{
	_Alignas(64) uint8_t area[4096], wire[WIRE_XSTATE_MAX], back[4096];

	fill(&old, area, 0);
	CHECK_EQ(xstate_to_wire(&old, area, old.size, 7, wire, NULL), 832);
	fill(&amd, back, 1 << AVX | 1 << ZMM);
	CHECK(!xstate_from_wire(&amd, wire, 832, back, amd.size));
	CHECK_EQ(*bv(back), 3 | 1 << PKRU);
	for (int k = 0; k < 256; k++)
		CHECK_EQ(back[576 + k], 0);
}

TEST(wrong_areas_are_refused)
{
	_Alignas(64) uint8_t wire[WIRE_XSTATE_MAX] = { 0 }, back[4096];
	uint32_t mxcsr = 0x1f80;

	fill(&old, back, 0);
	memcpy(wire + 24, &mxcsr, 4);
	CHECK(!xstate_from_wire(&old, wire, 832, back, old.size));
	CHECK(xstate_from_wire(&old, wire, 575, back, old.size));
	*bv(wire) = 4;
	CHECK(xstate_from_wire(&old, wire, 831, back, old.size));
	*bv(wire) = 1 << ZMM;
	CHECK(xstate_from_wire(&old, wire, sizeof(wire), back, old.size));
	*bv(wire) = 1ull << 63;
	CHECK(xstate_from_wire(&amd, wire, sizeof(wire), back, amd.size));
	*bv(wire) = 1 << PKRU;
	CHECK(xstate_from_wire(&amd, wire, sizeof(wire), back, amd.size));
	*bv(wire) = 0;
	wire[520] = 1;
	CHECK(xstate_from_wire(&old, wire, 832, back, old.size));
	wire[520] = 0;
	mxcsr = 0x80001f80;
	memcpy(wire + 24, &mxcsr, 4);
	CHECK(xstate_from_wire(&old, wire, 832, back, old.size));
}

TEST(the_trampoline_holds_all_that_is_saved)
{
	/* glibc: ALIGN_UP(size of the XSAVE area + 8 registers, 64), of what its mask names. */
	CHECK_EQ(xstate_trampoline_size(&amd), (2432 + 64 + 63) / 64 * 64);
	CHECK_EQ(xstate_trampoline_size(&old), 896);
	CHECK(xstate_trampoline_size(xlayout_home()) >= 640);
}

TEST(this_machine_is_what_cpuid_says)
{
	const struct xlayout *home = xlayout_home();

	CHECK(home->features & 3);
	CHECK(home->size >= 576);
	if (home->features & 4)
		CHECK(home->part[AVX].offset == 576 && home->part[AVX].size == 256);
}
