/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI: finds every function on every bus and offers its registers. Configuration goes through I/O
 * ports 0xcf8/0xcfc (PCI Local Bus Specification 3.0, 3.2.2.3.2), which reach the first 256 bytes
 * of a function on every PC.
 *
 * pci_scan() runs once, before any driver; the list is constant afterwards. Thread context.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/list.h"

#define PCI_COMMAND	     0x04
#define PCI_COMMAND_IO	     (1 << 0)
#define PCI_COMMAND_MEM	     (1 << 1)
#define PCI_COMMAND_MASTER   (1 << 2)
#define PCI_COMMAND_INTX_OFF (1 << 10)

#define PCI_REVISION 0x08 /* 8 bits */

#define PCI_CLASS_ETHERNET 0x0200

struct pci_bar {
	uint64_t addr; /* physical, or the first port; 0 if the BAR is not there */
	uint64_t size; /* bytes */
	bool io;
};

struct pci_dev {
	struct list_head link; /* pci_devices */
	uint8_t bus, dev, fn;
	uint8_t line; /* interrupt line as the firmware routed it; 255 if it did not */
	uint16_t vendor, device;
	uint16_t class; /* base class and subclass */
	struct pci_bar bar[6];
};

extern struct list_head pci_devices;

void pci_scan(void);

uint32_t pci_read32(const struct pci_dev *pci, unsigned reg);
uint16_t pci_read16(const struct pci_dev *pci, unsigned reg);
uint8_t pci_read8(const struct pci_dev *pci, unsigned reg);
void pci_write32(const struct pci_dev *pci, unsigned reg, uint32_t value);
void pci_write16(const struct pci_dev *pci, unsigned reg, uint16_t value);

/* Lets the function answer its BARs, master the bus and raise its interrupt. */
void pci_enable(const struct pci_dev *pci);

/* Takes all of that back: no DMA after this. */
void pci_disable(const struct pci_dev *pci);

/* The first port of an I/O BAR; 0 if it is not there or is memory. */
uint16_t pci_io_bar(const struct pci_dev *pci, unsigned bar);

/*
 * Where in the configuration space a capability with this id is, after the one at `after` (0: the
 * first); 0 if there is none (PCI 3.0, 6.7).
 */
unsigned pci_find_cap(const struct pci_dev *pci, uint8_t id, unsigned after);

/* Maps a memory BAR uncached; NULL if it is not there, is I/O, or page tables run out. */
volatile void *pci_map_bar(const struct pci_dev *pci, unsigned bar);

#endif
