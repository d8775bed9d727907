/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drivers/nic/mii.h"

enum { STATUS = 1, ADVERTISED = 4, PARTNER = 5 };

#define STATUS_LINK 0x0004

/* Abilities. The fastest that both have is used. */
#define FAST	  0x0380 /* 100 Mbit/s in any of three ways */
#define FAST_FULL 0x0100
#define SLOW_FULL 0x0040

unsigned mii_find(struct nic *nic, mii_read read, unsigned first)
{
	for (unsigned i = 0; i < MII_NONE; i++) {
		unsigned phy = (first + i) % MII_NONE;
		uint16_t status = read(nic, phy, STATUS);

		if (status && status != 0xffff)
			return phy;
	}
	return MII_NONE;
}

bool mii_link(struct nic *nic, mii_read read, unsigned phy)
{
	uint16_t common;

	/* The first one says whether the link was lost meanwhile, the second how it is. */
	(void)read(nic, phy, STATUS);
	nic->link = read(nic, phy, STATUS) & STATUS_LINK;
	common = read(nic, phy, ADVERTISED) & read(nic, phy, PARTNER);
	nic->mbit = common & FAST ? 100 : 10;
	return common & (common & FAST ? FAST_FULL : SLOW_FULL);
}
