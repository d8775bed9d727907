/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversion of extended processor state. */
#include "userland/deputy/xstate.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { X87, SSE, AVX, BNDREGS, BNDCSR, OPMASK, ZMM_HI256, HI16_ZMM, PT, PKRU };

#define BIT(n)		(1ULL << (n))
#define LEGACY_SIZE	512u
#define HEADER_SIZE	64u
#define MXCSR_OFFSET	24u
#define PKRU_DEFAULT	0x55555554u	/* Linux's init_pkru: key 0 open, all others closed */

/* glibc's STATE_SAVE_MASK: SSE, AVX, BNDREGS, AVX-512; STATE_SAVE_OFFSET: eight registers. */
#define TRAMPOLINE_MASK	(BIT(SSE) | BIT(AVX) | BIT(BNDREGS) | BIT(OPMASK) | BIT(ZMM_HI256) | BIT(HI16_ZMM))
#define TRAMPOLINE_REGS	64u

const struct xlayout xlayout_wire = {
	.features = BIT(X87) | BIT(SSE) | BIT(AVX) | BIT(OPMASK) | BIT(ZMM_HI256) | BIT(HI16_ZMM),
	.size = 2688,
	.part = {
		[X87] = { 0, 160 },
		[SSE] = { 160, 256 },
		[AVX] = { 576, 256 },
		[OPMASK] = { 1088, 64 },
		[ZMM_HI256] = { 1152, 512 },
		[HI16_ZMM] = { 1664, 1024 },
	},
};

static const char *const names[] = {
	"x87", "sse", "avx", "mpx", "mpx", "avx512", "avx512", "avx512", "pt", "pku",
};

static const char *part_name(unsigned i)
{
	if (i == 17 || i == 18)
		return "amx";
	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "extended state";
}

const struct xlayout *xlayout_home(void)
{
	static struct xlayout home;
	uint32_t a, b, c, d;

	if (home.size)
		return &home;
	home.features = BIT(X87) | BIT(SSE);
	home.size = LEGACY_SIZE + HEADER_SIZE;
	home.part[X87].size = 160;
	home.part[SSE].offset = 160;
	home.part[SSE].size = 256;
	/* OSXSAVE: without it there is no XGETBV and no more than the legacy area. */
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return &home;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	home.features = (uint64_t)d << 32 | a;
	for (unsigned i = 2; i < 63; i++) {
		if (!(home.features & BIT(i)))
			continue;
		__cpuid_count(0xd, i, a, b, c, d);
		home.part[i].size = a;
		home.part[i].offset = b;
		if (a + b > home.size)
			home.size = a + b;
	}
	return &home;
}

static uint64_t *xstate_bv(void *area)
{
	return (uint64_t *)((uint8_t *)area + LEGACY_SIZE);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

/* The part of an area, or NULL if the area is too short for it. */
static uint8_t *part_at(const struct xlayout *layout, unsigned i, const void *area, size_t len)
{
	size_t offset = layout->part[i].offset, size = layout->part[i].size;

	return size && offset + size <= len ? (uint8_t *)area + offset : NULL;
}

int xstate_to_wire(const struct xlayout *home, const void *area, size_t len, uint64_t node_xcr0,
		   void *out, struct wire_text *why)
{
	uint64_t used, sent = BIT(X87) | BIT(SSE);
	size_t out_len = LEGACY_SIZE + HEADER_SIZE;

	if (len < LEGACY_SIZE + HEADER_SIZE)
		return -EINVAL;
	memcpy(&used, (const uint8_t *)area + LEGACY_SIZE, sizeof(used));
	memset(out, 0, WIRE_XSTATE_MAX);
	memcpy(out, area, 416);		/* up to XMM15; then reserved for software */
	for (unsigned i = AVX; i < 63; i++) {
		const uint8_t *from = used & BIT(i) ? part_at(home, i, area, len) : NULL;
		uint32_t size = home->part[i].size, pkru;

		/* All zeros is the initial state of every component that we know. */
		if (!from || all_zero(from, size))
			continue;
		if (i == PKRU) {
			memcpy(&pkru, from, sizeof(pkru));
			if (pkru == PKRU_DEFAULT)
				continue;
		}
		if (!(node_xcr0 & BIT(i)) || xlayout_wire.part[i].size != size) {
			if (why)
				wire_text_set(why, WHY_CPU, "it uses %s registers, which the node lacks",
					      part_name(i));
			return -ENOTSUP;
		}
		memcpy((uint8_t *)out + xlayout_wire.part[i].offset, from, size);
		sent |= BIT(i);
		if (xlayout_wire.part[i].offset + size > out_len)
			out_len = xlayout_wire.part[i].offset + size;
	}
	*xstate_bv(out) = (used | BIT(SSE)) & sent;
	/*
	 * A node restores the components that it has, whatever is named: the area is as long as its own
	 * layout of what it shares with us needs.
	 */
	for (unsigned i = AVX; i < 63; i++) {
		uint32_t end = xlayout_wire.part[i].offset + xlayout_wire.part[i].size;

		if (node_xcr0 & BIT(i) && xlayout_wire.part[i].size && end > out_len)
			out_len = end;
	}
	return (int)out_len;
}

const char *xstate_from_wire(const struct xlayout *home, const void *wire, size_t wire_len,
			     void *area, size_t len)
{
	const uint64_t keep = BIT(PKRU);
	uint64_t used, comp, have, result;
	uint32_t mxcsr, mask;

	if (wire_len < LEGACY_SIZE + HEADER_SIZE || len < LEGACY_SIZE + HEADER_SIZE)
		return "extended state cut short";
	memcpy(&used, (const uint8_t *)wire + LEGACY_SIZE, sizeof(used));
	memcpy(&comp, (const uint8_t *)wire + LEGACY_SIZE + 8, sizeof(comp));
	if (comp)
		return "extended state in the compacted format";
	if (used & ~xlayout_wire.features)
		return "extended state of a kind that does not travel";
	memcpy(&mxcsr, (const uint8_t *)wire + MXCSR_OFFSET, sizeof(mxcsr));
	memcpy(&mask, (const uint8_t *)area + MXCSR_OFFSET + 4, sizeof(mask));
	if (mxcsr & ~(mask ? mask : 0xffbfu))
		return "reserved bits of MXCSR set";
	for (unsigned i = AVX; i < 63; i++) {
		if (!(used & BIT(i)))
			continue;
		if (!part_at(&xlayout_wire, i, wire, wire_len))
			return "extended state cut short";
		if (xlayout_wire.part[i].size != home->part[i].size)
			return "extended state that this machine lacks";
	}

	have = *xstate_bv(area);
	result = (have & keep) | used;
	for (unsigned i = AVX; i < 63; i++) {
		uint8_t *to = part_at(home, i, area, len);

		if (!to || keep & BIT(i))
			continue;
		if (used & BIT(i))
			memcpy(to, (const uint8_t *)wire + xlayout_wire.part[i].offset,
			       home->part[i].size);
		else
			memset(to, 0, home->part[i].size);
	}
	/* MXCSR_MASK stays this CPU's; bytes 416 to 511 are the kernel's. */
	memcpy(area, wire, MXCSR_OFFSET + 4);
	memcpy((uint8_t *)area + 32, (const uint8_t *)wire + 32, 416 - 32);
	*xstate_bv(area) = result;
	return NULL;
}

uint32_t xstate_trampoline_size(const struct xlayout *home)
{
	uint32_t end = LEGACY_SIZE + HEADER_SIZE;

	for (unsigned i = AVX; i < 63; i++)
		if (TRAMPOLINE_MASK & BIT(i) && home->part[i].size &&
		    home->part[i].offset + home->part[i].size > end)
			end = home->part[i].offset + home->part[i].size;
	return (end + TRAMPOLINE_REGS + 63) & ~63u;
}
