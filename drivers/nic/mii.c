/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drivers/nic/mii.h"

enum { STATUS = 1, ADVERTISED = 4, PARTNER = 5 };

#define STATUS_LINK  0x0004
#define ABILITY_FAST 0x0380 /* 100 Mbit/s in any of three ways */

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

void mii_link(struct nic *nic, mii_read read, unsigned phy)
{
	/* The first one says whether the link was lost meanwhile, the second how it is. */
	(void)read(nic, phy, STATUS);
	nic->link = read(nic, phy, STATUS) & STATUS_LINK;
	nic->mbit = read(nic, phy, ADVERTISED) & read(nic, phy, PARTNER) & ABILITY_FAST ? 100 : 10;
}
