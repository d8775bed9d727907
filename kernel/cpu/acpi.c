/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the root pointer, walks RSDT or XSDT, and reads MADT, FADT and, for \_S5_, DSDT. They are
 * as trustworthy as the firmware: lengths and checksums are checked, and a bad table is left out.
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

/* Offsets in the FADT (ACPI 6.4, 5.2.9). Those of later revisions may lie beyond its end. */
enum {
	FADT_DSDT = 40,
	FADT_SMI_PORT = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_CONTROL = 64,
	FADT_PM1B_CONTROL = 68,
	FADT_PM_TIMER = 76,
	FADT_CENTURY = 108,
	FADT_FLAGS = 112,
	FADT_RESET = 116,	/* a generic address, 12 bytes; the value is behind it */
	FADT_X_DSDT = 140,
	FADT_X_PM1A_CONTROL = 172,
	FADT_X_PM1B_CONTROL = 184,
};

#define FADT_FLAG_RESET (1u << 10)

/* Of a generic address (5.2.3.2): its first byte is the space, the address is at 4. */
enum { SPACE_MEMORY = 0, SPACE_IO = 1, SPACE_PCI = 2 };
#define GENERIC_SIZE 12

#define CMOS_FIRST_FREE 0x0e
#define CMOS_SIZE 0x80

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

/* AML's encoding (20.2): names are four letters; small numbers have operators of their own. */
enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_PACKAGE = 0x12,
	AML_ROOT = '\\',
};

/* A number of a package, which must fit SLP_TYP's three bits. */
static bool aml_number(const uint8_t **p, const uint8_t *end, uint8_t *value)
{
	if (*p == end)
		return false;
	*value = *(*p)++;
	if (*value == AML_BYTE) {
		if (*p == end)
			return false;
		*value = *(*p)++;
	} else if (*value != AML_ZERO && *value != AML_ONE) {
		return false;
	}
	return *value < 8;
}

bool acpi_find_s5(const uint8_t *aml, size_t len, uint8_t *type_a, uint8_t *type_b)
{
	const uint8_t *end = aml + len;

	for (const uint8_t *at = aml + 1; at < end && end - at >= 4; at++) {
		const uint8_t *p = at + 4;

		if (memcmp(at, "_S5_", 4) != 0)
			continue;
		if (at[-1] != AML_NAME &&
		    !(at[-1] == AML_ROOT && at - aml >= 2 && at[-2] == AML_NAME))
			continue;
		/*
		 * The package's own length has 1 to 4 bytes, by the first one's upper bits; then
		 * its count.
		 */
		if (end - p < 2 || *p++ != AML_PACKAGE || end - p <= 1 + (*p >> 6))
			continue;
		p += 1 + (*p >> 6);
		if (*p++ < 1 || !aml_number(&p, end, type_a))
			continue;
		if (!aml_number(&p, end, type_b))
			*type_b = *type_a;
		return true;
	}
	return false;
}

static bool read_s5(const struct header *h)
{
	if (h == NULL || acpi_info.has_s5)
		return acpi_info.has_s5;
	acpi_info.has_s5 = acpi_find_s5((const uint8_t *)(h + 1), h->length - sizeof(*h),
					&acpi_info.s5_type_a, &acpi_info.s5_type_b);
	return acpi_info.has_s5;
}

/* An I/O port as the FADT names it: where it has been since ACPI 1, or by a generic address. */
static uint16_t fadt_port(const struct header *h, unsigned old, unsigned generic)
{
	const uint8_t *fadt = (const uint8_t *)h, *g = fadt + generic;
	uint32_t port = read32(fadt + old);

	if (port == 0 && h->length >= generic + GENERIC_SIZE && g[0] == SPACE_IO &&
	    read64(g + 4) < 0x10000)
		port = read64(g + 4);
	return port < 0x10000 ? port : 0;
}

static void read_reset(const struct header *h)
{
	const uint8_t *fadt = (const uint8_t *)h, *g = fadt + FADT_RESET;
	uint64_t address;

	if (h->length <= FADT_RESET + GENERIC_SIZE ||
	    !(read32(fadt + FADT_FLAGS) & FADT_FLAG_RESET))
		return;
	address = read64(g + 4);
	acpi_info.reset_value = g[GENERIC_SIZE];
	if (g[0] == SPACE_IO && address < 0x10000)
		acpi_info.reset_port = address;
	else if (g[0] == SPACE_MEMORY && address)
		acpi_info.reset_memory = mmio_map(address, 1);
	else if (g[0] == SPACE_PCI) /* device, function, register in words from bit 32 down */
		acpi_info.reset_pci = 1u << 31 | (address >> 32 & 0x1f) << 11 |
				      (address >> 16 & 7) << 8 | (address & 0xff);
}

static void read_fadt(const struct header *h)
{
	const uint8_t *fadt = (const uint8_t *)h;

	if (h->length < FADT_PM_TIMER + 4)
		return;
	acpi_info.pm_timer_port = read32(fadt + FADT_PM_TIMER);
	acpi_info.smi_port = read32(fadt + FADT_SMI_PORT);
	acpi_info.acpi_enable = fadt[FADT_ACPI_ENABLE];
	acpi_info.pm1a_control = fadt_port(h, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
	acpi_info.pm1b_control = fadt_port(h, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
	if (h->length > FADT_CENTURY && fadt[FADT_CENTURY] >= CMOS_FIRST_FREE &&
	    fadt[FADT_CENTURY] < CMOS_SIZE)
		acpi_info.rtc_century = fadt[FADT_CENTURY];
	read_reset(h);
	if (h->length < FADT_X_DSDT + 8 || !read_s5(table_at(read64(fadt + FADT_X_DSDT))))
		read_s5(table_at(read32(fadt + FADT_DSDT)));
}

static void read_table(const struct header *h)
{
	if (h == NULL)
		return;
	if (memcmp(h->signature, "APIC", 4) == 0)
		read_madt(h);
	else if (memcmp(h->signature, "FACP", 4) == 0)
		read_fadt(h);
	else if (memcmp(h->signature, "SSDT", 4) == 0)
		read_s5(h);
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
