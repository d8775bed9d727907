/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x87 unit's state in FSAVE's format, from FXSAVE's and back (Intel SDM vol. 1, 8.1.10 and 10.5.1).
 * FXSAVE keeps one bit of a register's tag: empty or not; the other follows from its value.
 */
#include <string.h>

#include "kernel/proc/sigframe32.h"

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

#define ST_OFFSET 32 /* of eight registers in FXSAVE's area, 16 bytes each */

struct fxsave_head {
	uint16_t cwd, swd;
	uint8_t twd, reserved;
	uint16_t fop;
	uint64_t rip, rdp;
};

static unsigned tag_of(const uint8_t st[10])
{
	uint64_t significand;
	uint16_t exponent;

	memcpy(&significand, st, sizeof(significand));
	memcpy(&exponent, st + 8, sizeof(exponent));
	exponent &= 0x7fff;
	if (exponent == 0x7fff)
		return TAG_SPECIAL;
	if (!exponent)
		return significand ? TAG_SPECIAL : TAG_ZERO;
	return significand >> 63 ? TAG_VALID : TAG_SPECIAL;
}

void fsave_from_xsave(struct fsave *f, const uint8_t *xsave, uint16_t cs, uint16_t ds)
{
	struct fxsave_head h;
	unsigned top;

	memcpy(&h, xsave, sizeof(h));
	top = h.swd >> 11 & 7;
	*f = (struct fsave){
		.cwd = h.cwd | 0xffff0000u,
		.swd = h.swd | 0xffff0000u,
		.twd = 0xffff0000u,
		.fip = (uint32_t)h.rip,
		.fcs = cs,
		.foo = (uint32_t)h.rdp,
		.fos = ds | 0xffff0000u,
		.status = h.swd,
	};
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->st[i], xsave + ST_OFFSET + 16 * i, 10);
	/* Tags are by register, values by their distance from the top. */
	for (unsigned i = 0; i < 8; i++)
		f->twd |= (h.twd >> i & 1 ? tag_of(f->st[(i - top) & 7]) : TAG_EMPTY) << 2 * i;
}

void fsave_to_xsave(const struct fsave *f, uint8_t *xsave)
{
	struct fxsave_head h = {
		.cwd = (uint16_t)f->cwd,
		.swd = (uint16_t)f->swd,
		.fop = (uint16_t)(f->fcs >> 16),
		.rip = f->fip,
		.rdp = f->foo,
	};

	for (unsigned i = 0; i < 8; i++) {
		if ((f->twd >> 2 * i & 3) != TAG_EMPTY)
			h.twd |= 1u << i;
		memcpy(xsave + ST_OFFSET + 16 * i, f->st[i], 10);
	}
	memcpy(xsave, &h, sizeof(h));
}
