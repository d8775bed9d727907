/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serial EEPROMs (93C46 and kin, "Microwire") in which many cards keep their address. Each card
 * has its own register for the three wires.
 */
#ifndef DRIVERS_NIC_EEPROM_H
#define DRIVERS_NIC_EEPROM_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic/nic.h"

enum eeprom_wire { EEPROM_0, EEPROM_1, EEPROM_END };

/*
 * One clock with this bit on the way in, the chip being selected; returns the bit on the way out.
 * EEPROM_END: no clock, the chip is selected no more. Waits as long as the chip needs.
 */
typedef bool (*eeprom_clock)(struct nic *nic, enum eeprom_wire wire);

/* Reads count words from `first` on. False if there is no EEPROM. */
bool eeprom_read(struct nic *nic, eeprom_clock clock, unsigned first, uint16_t *words,
		 unsigned count);

/* Takes the address from three words; false, and nothing changed, if they are none. */
bool eeprom_mac(struct nic *nic, const uint16_t words[3]);

#endif
