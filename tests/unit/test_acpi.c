/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables as firmware might give them: a good set in both forms, and thousands of damaged ones,
 * which must neither crash the reader nor make it read outside memory.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHECK(expr)                                                                                \
	do {                                                                                       \
		if (!(expr)) {                                                                     \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr);                     \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define KERNEL_KPRINTF_H
#define KERNEL_MM_KMAP_H

static void kprintf(const char *fmt, ...)
{
	(void)fmt;
}

/* Beyond the end of memory there is nothing to map here. */
static void *mmio_map(uint64_t pa, size_t len)
{
	(void)pa, (void)len;
	return NULL;
}

static uint8_t *machine;

#define DIRECT_MAP ((uint64_t)machine)

#include "kernel/cpu/acpi.c"

struct page *page_array;
uint64_t page_array_len;

#define RSDP_AT 0xf0000
#define TABLES_AT 0x200000
#define TABLES_SIZE 0x1000

static void sum_fix(void *p, size_t len, uint8_t *field)
{
	uint8_t sum = 0;

	*field = 0;
	for (size_t i = 0; i < len; i++)
		sum += ((uint8_t *)p)[i];
	*field = -sum;
}

static struct header *table_put(uint64_t pa, const char *signature, const void *body, uint32_t len)
{
	struct header *h = phys_virt(pa);

	memset(h, 0, sizeof(*h));
	memcpy(h->signature, signature, 4);
	h->length = sizeof(*h) + len;
	memcpy(h + 1, body, len);
	sum_fix(h, h->length, &h->checksum);
	return h;
}

static const uint8_t madt_body[] = {
	0x00, 0x00, 0xe0, 0xfe, 1, 0, 0, 0,		   /* APIC address, PCAT_COMPAT */
	0,    8,    0,	  0,	1, 0, 0, 0,		   /* CPU 0 */
	0,    8,    1,	  4,	1, 0, 0, 0,		   /* CPU with APIC number 4 */
	0,    8,    2,	  9,	0, 0, 0, 0,		   /* not enabled */
	1,    12,   0,	  0,	0, 0, 0xc0, 0xfe, 0, 0, 0, 0, /* I/O APIC */
	2,    10,   0,	  0,	2, 0, 0, 0, 0,	0,	   /* line 0 is GSI 2 */
	2,    10,   0,	  9,	9, 0, 0, 0, 0xd, 0,	   /* line 9: level, high */
	9,    16,   0,	  0,	0, 1, 0, 0, 1,	0, 0, 0, 0, 0, 0, 0, /* x2APIC 256 */
};

/* Scope (\) { Name (\_S5_, Package (4) { 5, 6, 0, 0 }) }, between names that only look like it. */
static const uint8_t aml[] = {
	0x10, 0x30, '\\', 0x00,
	0x14, 0x08, '_', 'S', '5', '_', 0x00, 0xa4, 0x00,		/* a method */
	0x08, '_', 'S', '4', '_', 0x12, 0x06, 0x04, 0x0a, 0x03, 0x00, 0x00, 0x00,
	0x08, '\\', '_', 'S', '5', '_', 0x12, 0x08, 0x04, 0x0a, 0x05, 0x0a, 0x06, 0x00, 0x00,
};

static void fadt_put(uint8_t *fadt, unsigned offset, uint64_t value, unsigned len)
{
	memcpy(fadt + offset - sizeof(struct header), &value, len);
}

/* xsdt: the tables of a newer machine; else of one of 1998. */
static void tables_make(bool xsdt)
{
	uint8_t fadt[244 - sizeof(struct header)] = { 0 };
	struct rsdp *r = phys_virt(RSDP_AT);

	fadt_put(fadt, FADT_PM_TIMER, 0x608, 4);
	fadt_put(fadt, FADT_SMI_PORT, 0xb2, 4);
	fadt_put(fadt, FADT_ACPI_ENABLE, 0xf1, 1);
	fadt_put(fadt, FADT_CENTURY, 0x32, 1);
	table_put(TABLES_AT + 0x600, "DSDT", aml, sizeof(aml));
	if (xsdt) {
		fadt_put(fadt, FADT_X_DSDT, TABLES_AT + 0x600, 8);
		fadt_put(fadt, FADT_X_PM1A_CONTROL, 1, 1);
		fadt_put(fadt, FADT_X_PM1A_CONTROL + 4, 0x604, 8);
		fadt_put(fadt, FADT_FLAGS, FADT_FLAG_RESET, 4);
		fadt_put(fadt, FADT_RESET, 1, 1);
		fadt_put(fadt, FADT_RESET + 4, 0xcf9, 8);
		fadt_put(fadt, FADT_RESET + GENERIC_SIZE, 0xf, 1);
	} else {
		fadt_put(fadt, FADT_DSDT, TABLES_AT + 0x600, 4);
		fadt_put(fadt, FADT_PM1A_CONTROL, 0x604, 4);
		fadt_put(fadt, FADT_PM1B_CONTROL, 0x704, 4);
	}
	table_put(TABLES_AT + 0x200, "APIC", madt_body, sizeof(madt_body));
	table_put(TABLES_AT + 0x400, "FACP", fadt, xsdt ? sizeof(fadt) : 116 - sizeof(struct header));
	if (xsdt) {
		uint64_t list[] = { TABLES_AT + 0x200, TABLES_AT + 0x400 };

		table_put(TABLES_AT, "XSDT", list, sizeof(list));
	} else {
		uint32_t list[] = { TABLES_AT + 0x200, TABLES_AT + 0x400 };

		table_put(TABLES_AT, "RSDT", list, sizeof(list));
	}
	memset(r, 0, sizeof(*r));
	memcpy(r->signature, "RSD PTR ", 8);
	r->revision = xsdt ? 2 : 0;
	r->length = sizeof(*r);
	if (xsdt)
		r->xsdt = TABLES_AT;
	else
		r->rsdt = TABLES_AT;
	sum_fix(r, 20, &r->checksum);
}

static void read_all(const struct boot_info *bi)
{
	memset(&acpi_info, 0, sizeof(acpi_info));
	acpi_init(bi);
}

static void test_power(bool xsdt)
{
	CHECK(acpi_info.has_s5 && acpi_info.s5_type_a == 5 && acpi_info.s5_type_b == 6);
	CHECK(acpi_info.pm1a_control == 0x604 && acpi_info.pm1b_control == (xsdt ? 0 : 0x704));
	CHECK(acpi_info.smi_port == 0xb2 && acpi_info.acpi_enable == 0xf1);
	CHECK(acpi_info.rtc_century == 0x32);
	CHECK(acpi_info.reset_port == (xsdt ? 0xcf9 : 0) && acpi_info.reset_value == (xsdt ? 0xf : 0));
}

static void test_s5(void)
{
	static const struct {
		uint8_t bytes[16];
		size_t len;
		int a, b;	/* -1: not there */
	} forms[] = {
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00 }, 12, 0, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x01, 0x0a, 0x07, 0x00 }, 12, 1, 7 },
		/* a length of two bytes; one element */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x46, 0x00, 0x02, 0x0a, 0x07, 0x0a, 0x02 }, 13, 7, 2 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 0x03 }, 10, 3, 3 },
		/* cut off anywhere, no package, empty, too large, no name operator */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a }, 9, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0xc4, 0x01, 0x0a, 0x03 }, 10, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x12 }, 6, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_' }, 5, -1, 0 },
		{ { 0x08, '_', 'S', '5' }, 4, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x0a, 0x04, 0x01, 0x0a, 0x03 }, 10, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x04, 0x00, 0x0a, 0x03 }, 10, -1, 0 },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 0x08 }, 10, -1, 0 },
		{ { 0x00, '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 0x03 }, 10, -1, 0 },
		{ { '\\', '_', 'S', '5', '_', 0x12, 0x04, 0x01, 0x0a, 0x03 }, 10, -1, 0 },
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		/* In a block of its own, so that one byte too far is noticed. */
		uint8_t *bytes = malloc(forms[i].len), a, b;
		bool found;

		memcpy(bytes, forms[i].bytes, forms[i].len);
		found = acpi_find_s5(bytes, forms[i].len, &a, &b);
		if (found != (forms[i].a >= 0) || (found && (a != forms[i].a || b != forms[i].b))) {
			printf("FAIL form %u of _S5_\n", i);
			exit(1);
		}
		free(bytes);
	}
	CHECK(!acpi_find_s5(NULL, 0, &(uint8_t){ 0 }, &(uint8_t){ 0 }));
	for (int round = 0; round < 100000; round++) {
		static const uint8_t likely[] = { 8, '\\', '_', 'S', '5', '_', 0x12, 0, 1, 2, 4, 10, 0x40, 0xc0 };
		size_t len = rand() % 40;
		uint8_t *bytes = malloc(len), a = 0, b = 0;

		for (size_t i = 0; i < len; i++)
			bytes[i] = likely[rand() % sizeof(likely)];
		for (size_t i = 0; len >= 14 && i < 10; i++)
			bytes[i] = rand() % 8 ? forms[0].bytes[i] : bytes[i];
		CHECK(!acpi_find_s5(bytes, len, &a, &b) || (a < 8 && b < 8));
		free(bytes);
	}
}

int main(void)
{
	static struct boot_info bi;

	machine = mmap(NULL, (4ul << 30) + 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(machine != MAP_FAILED);
	read_all(&bi);
	CHECK(acpi_info.cpu_count == 0 && acpi_info.has_pic && acpi_info.line_gsi[5] == 5);

	for (int xsdt = 0; xsdt < 2; xsdt++) {
		tables_make(xsdt);
		read_all(&bi);
		CHECK(acpi_info.cpu_count == 3);
		CHECK(acpi_info.apic_ids[0] == 0 && acpi_info.apic_ids[1] == 4 &&
		      acpi_info.apic_ids[2] == 256);
		CHECK(acpi_info.has_pic && acpi_info.lapic_pa == 0xfee00000);
		CHECK(acpi_info.ioapic_pa == 0xfec00000 && acpi_info.line_gsi[0] == 2);
		CHECK(acpi_info.line_gsi[9] == 9 && acpi_info.line_flags[9] == 0xd);
		CHECK(acpi_info.pm_timer_port == 0x608);
		test_power(xsdt);
	}
	/* The loader's copy of the root pointer counts before what lies in the BIOS. */
	memcpy(bi.rsdp, phys_virt(RSDP_AT), sizeof(struct rsdp));
	bi.rsdp_len = sizeof(struct rsdp);
	memset(phys_virt(RSDP_AT), 0, sizeof(struct rsdp));
	read_all(&bi);
	CHECK(acpi_info.cpu_count == 3);

	srand(1);
	test_s5();
	for (int round = 0; round < 20000; round++) {
		uint8_t *tables = phys_virt(TABLES_AT);
		static const unsigned heads[] = { 0, 0x200, 0x400, 0x600 };

		tables_make(round % 2);
		memcpy(bi.rsdp, phys_virt(RSDP_AT), sizeof(struct rsdp));
		for (int n = 1 + rand() % 6; n > 0; n--)
			tables[heads[rand() % 4] + rand() % 0x100] = rand();
		/* Checksums right again, as firmware with bugs has them. */
		for (int i = 0; i < 4; i++) {
			struct header *h = (struct header *)(tables + heads[i]);

			if (h->length >= sizeof(*h) && h->length <= TABLE_MAX)
				sum_fix(h, h->length, &h->checksum);
		}
		read_all(&bi);
		CHECK(acpi_info.cpu_count <= MAX_CPUS);
	}
	printf("ok\n");
	return 0;
}
