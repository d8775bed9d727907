/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI enumeration and configuration; the firmware has already assigned addresses and lines. */
#include "drivers/pci.h"

#include "kernel/cpu/x86.h"
#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/kmap.h"
#include "kernel/sync/spinlock.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

#define PCI_VENDOR    0x00
#define PCI_CLASS     0x0a
#define PCI_HEADER    0x0e
#define PCI_STATUS    0x06
#define PCI_BAR0      0x10
#define PCI_SECONDARY 0x19
#define PCI_CAPS      0x34
#define PCI_LINE      0x3c

#define STATUS_CAPS 0x10
/* Capabilities lie behind the 64-byte header, 4-byte aligned: more in a chain means a circle. */
#define CAPS_MAX    48

#define HEADER_MULTIFUNCTION 0x80
#define HEADER_BRIDGE	     1
#define CLASS_PCI_BRIDGE     0x0604

struct list_head pci_devices = LIST_HEAD_INIT(pci_devices);

/* Address and data are two accesses that belong together. */
static spinlock_t config_lock = SPINLOCK_INIT;
static uint8_t bus_seen[256 / 8];

static uint32_t config_address(const struct pci_dev *pci, unsigned reg)
{
	return 1u << 31 | pci->bus << 16 | pci->dev << 11 | pci->fn << 8 | (reg & 0xfc);
}

uint32_t pci_read32(const struct pci_dev *pci, unsigned reg)
{
	unsigned long flags = spin_lock_irqsave(&config_lock);
	uint32_t value;

	outl(CONFIG_ADDRESS, config_address(pci, reg));
	value = inl(CONFIG_DATA);
	spin_unlock_irqrestore(&config_lock, flags);
	return value;
}

void pci_write32(const struct pci_dev *pci, unsigned reg, uint32_t value)
{
	unsigned long flags = spin_lock_irqsave(&config_lock);

	outl(CONFIG_ADDRESS, config_address(pci, reg));
	outl(CONFIG_DATA, value);
	spin_unlock_irqrestore(&config_lock, flags);
}

uint16_t pci_read16(const struct pci_dev *pci, unsigned reg)
{
	return pci_read32(pci, reg) >> (reg & 2) * 8;
}

uint8_t pci_read8(const struct pci_dev *pci, unsigned reg)
{
	return pci_read32(pci, reg) >> (reg & 3) * 8;
}

void pci_write16(const struct pci_dev *pci, unsigned reg, uint16_t value)
{
	unsigned long flags = spin_lock_irqsave(&config_lock);

	/* A 16-bit access: writing back the other half would clear status bits. */
	outl(CONFIG_ADDRESS, config_address(pci, reg));
	outw(CONFIG_DATA + (reg & 2), value);
	spin_unlock_irqrestore(&config_lock, flags);
}

/* A BAR's size shows by which of its bits stick (PCI 3.0, 6.2.5.1). Decoding is off meanwhile. */
static unsigned read_bar(struct pci_dev *pci, unsigned i)
{
	unsigned reg = PCI_BAR0 + 4 * i;
	uint32_t low = pci_read32(pci, reg), high = 0, mask;
	uint64_t size;
	bool wide = !(low & 1) && (low & 6) == 4 && i < 5;

	pci_write32(pci, reg, ~0u);
	mask = pci_read32(pci, reg);
	pci_write32(pci, reg, low);
	size = low & 1 ? 0xffffffffffff0000 | (mask & 0xfffc) : 0xffffffff00000000 | (mask & ~15u);
	if (wide) {
		high = pci_read32(pci, reg + 4);
		pci_write32(pci, reg + 4, ~0u);
		size = (uint64_t)pci_read32(pci, reg + 4) << 32 | (mask & ~15u);
		pci_write32(pci, reg + 4, high);
	}
	if (!mask || !size)
		return wide ? 2 : 1;
	pci->bar[i].io = low & 1;
	pci->bar[i].size = -size;
	pci->bar[i].addr = low & 1 ? low & 0xfffc : (uint64_t)high << 32 | (low & ~15u);
	return wide ? 2 : 1;
}

static void scan_bus(unsigned bus);

static void scan_function(unsigned bus, unsigned dev, unsigned fn)
{
	struct pci_dev probe = { .bus = bus, .dev = dev, .fn = fn }, *pci;
	uint32_t id = pci_read32(&probe, PCI_VENDOR);
	uint16_t command;

	if ((id & 0xffff) == 0xffff)
		return;
	probe.vendor = id;
	probe.device = id >> 16;
	probe.class = pci_read16(&probe, PCI_CLASS);
	if (probe.class == CLASS_PCI_BRIDGE &&
	    (pci_read8(&probe, PCI_HEADER) & ~HEADER_MULTIFUNCTION) == HEADER_BRIDGE) {
		scan_bus(pci_read8(&probe, PCI_SECONDARY));
		return;
	}
	/* Only what a driver may want is touched: sizing switches decoding off for a moment. */
	if (probe.class == PCI_CLASS_ETHERNET) {
		command = pci_read16(&probe, PCI_COMMAND);
		pci_write16(&probe, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEM));
		for (unsigned i = 0; i < 6;)
			i += read_bar(&probe, i);
		pci_write16(&probe, PCI_COMMAND, command);
	}
	probe.line = pci_read8(&probe, PCI_LINE);
	pci = kmalloc(sizeof(*pci));
	if (!pci) {
		kprintf("pci: no memory for %02x:%02x.%u\n", bus, dev, fn);
		return;
	}
	*pci = probe;
	list_add_tail(&pci->link, &pci_devices);
}

static void scan_bus(unsigned bus)
{
	/* A bridge that was never set up says bus 0: do not walk in circles. */
	if (bus_seen[bus / 8] & 1 << bus % 8)
		return;
	bus_seen[bus / 8] |= 1 << bus % 8;
	for (unsigned dev = 0; dev < 32; dev++) {
		struct pci_dev first = { .bus = bus, .dev = dev };
		unsigned functions;

		if ((pci_read32(&first, PCI_VENDOR) & 0xffff) == 0xffff)
			continue;
		functions = pci_read8(&first, PCI_HEADER) & HEADER_MULTIFUNCTION ? 8 : 1;
		for (unsigned fn = 0; fn < functions; fn++)
			scan_function(bus, dev, fn);
	}
}

void pci_scan(void)
{
	struct pci_dev host = { .bus = 0 };

	/* Several host bridges at 00:00 mean one root bus each, numbered by function. */
	scan_bus(0);
	if (!(pci_read8(&host, PCI_HEADER) & HEADER_MULTIFUNCTION))
		return;
	for (unsigned fn = 1; fn < 8; fn++) {
		host.fn = fn;
		if ((pci_read32(&host, PCI_VENDOR) & 0xffff) != 0xffff &&
		    pci_read16(&host, PCI_CLASS) == 0x0600)
			scan_bus(fn);
	}
}

void drivers_init(void)
{
	pci_scan();
}

void pci_enable(const struct pci_dev *pci)
{
	uint16_t command = pci_read16(pci, PCI_COMMAND);

	command |= PCI_COMMAND_IO | PCI_COMMAND_MEM | PCI_COMMAND_MASTER;
	pci_write16(pci, PCI_COMMAND, command & ~PCI_COMMAND_INTX_OFF);
}

void pci_disable(const struct pci_dev *pci)
{
	uint16_t command = pci_read16(pci, PCI_COMMAND) & ~PCI_COMMAND_MASTER;

	pci_write16(pci, PCI_COMMAND, command | PCI_COMMAND_INTX_OFF);
}

uint16_t pci_io_bar(const struct pci_dev *pci, unsigned bar)
{
	return pci->bar[bar].io ? pci->bar[bar].addr : 0;
}

unsigned pci_find_cap(const struct pci_dev *pci, uint8_t id, unsigned after)
{
	unsigned at;

	if (!(pci_read16(pci, PCI_STATUS) & STATUS_CAPS))
		return 0;
	at = pci_read8(pci, after ? after + 1 : PCI_CAPS) & ~3u;
	for (unsigned i = 0; at >= 0x40 && i < CAPS_MAX; i++) {
		if (pci_read8(pci, at) == id)
			return at;
		at = pci_read8(pci, at + 1) & ~3u;
	}
	return 0;
}

volatile void *pci_map_bar(const struct pci_dev *pci, unsigned bar)
{
	if (!pci->bar[bar].addr || pci->bar[bar].io)
		return NULL;
	return mmio_map(pci->bar[bar].addr, pci->bar[bar].size);
}
