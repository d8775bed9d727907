/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the transceivers (PHYs) behind many cards say of the link: the registers of IEEE 802.3,
 * 22.2.4. Only read: they agree on the speed with the other end by themselves.
 */
#ifndef DRIVERS_NIC_MII_H
#define DRIVERS_NIC_MII_H

#include <stdint.h>

#include "drivers/nic/nic.h"

#define MII_NONE 32 /* there are 32 addresses */

/* Reads a register of the PHY with that address; 0 or all ones where there is none. */
typedef uint16_t (*mii_read)(struct nic *nic, unsigned phy, unsigned reg);

/* The address of the first PHY that answers, looked for from `first` on; or MII_NONE. */
unsigned mii_find(struct nic *nic, mii_read read, unsigned first);

/* Sets nic's link and mbit; returns whether it is full duplex, which some cards must be told. */
bool mii_link(struct nic *nic, mii_read read, unsigned phy);

#endif
