/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the root pointer, walks RSDT or XSDT, and reads MADT and FADT. Firmware tables are as
 * trustworthy as the firmware: lengths and checksums are checked, and a bad table is left out.
 */
#include "kernel/cpu/acpi.h"

#include <stddef.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/kprintf.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page.h"

#define TABLE_MAX (1u << 20)
#define LAPIC_DEFAULT 0xfee00000ul

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;
	uint64_t xsdt;
	uint8_t checksum2;
	uint8_t reserved[3];
} __attribute__((packed));

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct madt {
	struct header h;
	uint32_t lapic;
	uint32_t flags;
} __attribute__((packed));

enum {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_OVERRIDE = 2,
	MADT_LAPIC_ADDRESS = 5,
	MADT_X2APIC = 9,
};

#define MADT_PCAT_COMPAT 1
#define CPU_ENABLED 1
#define FADT_PM_TIMER 76 /* offset of the 32-bit port number */

struct acpi_info acpi_info;

static bool sum_is_zero(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len--)
		sum += *b++;
	return sum == 0;
}

/* Firmware memory lies below the end of memory as a rule, and so in the direct map. */
static const void *firmware_at(uint64_t pa, size_t len)
{
	uint64_t mapped = page_array_len << PAGE_SHIFT;

	if (mapped < 1ul << 32)
		mapped = 1ul << 32;
	return pa + len <= mapped ? phys_virt(pa) : mmio_map(pa, len);
}

static const struct header *table_at(uint64_t pa)
{
	const struct header *h;
	uint32_t len;

	if (pa == 0)
		return NULL;
	h = firmware_at(pa, sizeof(*h));
	if (h == NULL)
		return NULL;
	len = h->length;
	if (len < sizeof(*h) || len > TABLE_MAX)
		return NULL;
	h = firmware_at(pa, len);
	return h && sum_is_zero(h, len) ? h : NULL;
}

static const struct rsdp *rsdp_scan(uint64_t from, uint64_t end)
{
	for (uint64_t pa = from; pa + sizeof(struct rsdp) <= end; pa += 16) {
		const struct rsdp *r = phys_virt(pa);

		if (memcmp(r->signature, "RSD PTR ", 8) == 0 && sum_is_zero(r, 20))
			return r;
	}
	return NULL;
}

static const struct rsdp *rsdp_find(const struct boot_info *bi)
{
	uint64_t ebda = (uint64_t) * (const uint16_t *)phys_virt(0x40e) << 4;
	const struct rsdp *r = NULL;

	if (bi->rsdp_len >= 20 && memcmp(bi->rsdp, "RSD PTR ", 8) == 0)
		return (const struct rsdp *)bi->rsdp;
	if (ebda >= 0x80000 && ebda < 0xa0000)
		r = rsdp_scan(ebda, ebda + 1024);
	return r ? r : rsdp_scan(0xe0000, 0x100000);
}

static void cpu_add(uint32_t apic_id, uint32_t flags)
{
	if (!(flags & CPU_ENABLED))
		return;
	if (acpi_info.cpu_count == MAX_CPUS)
		acpi_info.cpus_dropped++;
	else
		acpi_info.apic_ids[acpi_info.cpu_count++] = apic_id;
}

static uint32_t read32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t read64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void madt_entry(const uint8_t *e, unsigned len)
{
	switch (e[0]) {
	case MADT_LAPIC:
		if (len >= 8 && e[3] != 0xff)
			cpu_add(e[3], read32(e + 4));
		break;
	case MADT_X2APIC:
		/* Entries below 255 repeat those of type 0 where firmware is careless. */
		if (len >= 16 && read32(e + 4) >= 255)
			cpu_add(read32(e + 4), read32(e + 8));
		break;
	case MADT_IOAPIC:
		if (len >= 12 && acpi_info.ioapic_pa == 0) {
			acpi_info.ioapic_pa = read32(e + 4);
			acpi_info.ioapic_gsi_base = read32(e + 8);
		}
		break;
	case MADT_OVERRIDE:
		if (len >= 10 && e[3] < 16) {
			acpi_info.line_gsi[e[3]] = read32(e + 4);
			acpi_info.line_flags[e[3]] = e[8] | e[9] << 8;
		}
		break;
	case MADT_LAPIC_ADDRESS:
		if (len >= 12)
			acpi_info.lapic_pa = read64(e + 4);
		break;
	}
}

static void read_madt(const struct header *h)
{
	const struct madt *m = (const struct madt *)h;
	const uint8_t *e = (const uint8_t *)(m + 1), *end = (const uint8_t *)h + h->length;

	if (h->length < sizeof(*m))
		return;
	acpi_info.lapic_pa = m->lapic;
	acpi_info.has_pic = m->flags & MADT_PCAT_COMPAT;
	while (end - e >= 2 && e[1] >= 2 && e[1] <= end - e) {
		madt_entry(e, e[1]);
		e += e[1];
	}
}

static void read_table(const struct header *h)
{
	if (h == NULL)
		return;
	if (memcmp(h->signature, "APIC", 4) == 0)
		read_madt(h);
	else if (memcmp(h->signature, "FACP", 4) == 0 && h->length >= FADT_PM_TIMER + 4)
		acpi_info.pm_timer_port = read32((const uint8_t *)h + FADT_PM_TIMER);
}

void acpi_init(const struct boot_info *bi)
{
	const struct rsdp *r = rsdp_find(bi);
	const struct header *root = NULL;
	unsigned entry = 4;

	acpi_info.lapic_pa = LAPIC_DEFAULT;
	acpi_info.has_pic = true;
	for (unsigned i = 0; i < 16; i++)
		acpi_info.line_gsi[i] = i;
	if (r == NULL) {
		kprintf("acpi: no tables found: one CPU, interrupts by the PIC\n");
		return;
	}
	if (r->revision >= 2 && (root = table_at(r->xsdt)) != NULL)
		entry = 8;
	if (root == NULL)
		root = table_at(r->rsdt);
	if (root == NULL) {
		kprintf("acpi: the root table is damaged: one CPU, interrupts by the PIC\n");
		return;
	}
	const uint8_t *p = (const uint8_t *)(root + 1);
	const uint8_t *end = (const uint8_t *)root + root->length;

	for (; p + entry <= end; p += entry)
		read_table(table_at(entry == 8 ? read64(p) : read32(p)));
}
