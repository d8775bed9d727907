/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drivers/nic/eeprom.h"

#include <string.h>

#define READ	    6 /* a start bit and the command */
#define ADDRESS_MAX 8 /* bits */

/* The data of a word follow its address without a pause. */
static void send(struct nic *nic, eeprom_clock clock, unsigned value, unsigned bits)
{
	while (bits--)
		clock(nic, value >> bits & 1 ? EEPROM_1 : EEPROM_0);
}

/* How many bits an address has: the chip answers the last one with a 0. 0: there is no chip. */
static unsigned address_bits(struct nic *nic, eeprom_clock clock)
{
	unsigned bits = 0;

	send(nic, clock, READ, 3);
	while (clock(nic, EEPROM_0))
		if (++bits == ADDRESS_MAX)
			break;
	clock(nic, EEPROM_END);
	return bits < ADDRESS_MAX ? bits + 1 : 0;
}

bool eeprom_read(struct nic *nic, eeprom_clock clock, unsigned first, uint16_t *words,
		 unsigned count)
{
	unsigned bits = address_bits(nic, clock);

	for (unsigned i = 0; bits && i < count; i++) {
		send(nic, clock, READ, 3);
		send(nic, clock, first + i, bits);
		words[i] = 0;
		for (unsigned bit = 0; bit < 16; bit++)
			words[i] = words[i] << 1 | clock(nic, EEPROM_0);
		clock(nic, EEPROM_END);
	}
	return bits;
}

bool eeprom_mac(struct nic *nic, const uint16_t words[3])
{
	const uint8_t *mac = (const void *)words;

	/* An address of one card; all zero and all ones are an empty EEPROM. */
	if (mac[0] & 1 || !(words[0] | words[1] | words[2]))
		return false;
	memcpy(nic->mac, mac, sizeof(nic->mac));
	return true;
}
