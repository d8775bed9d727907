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

static void tables_make(bool xsdt)
{
	uint8_t fadt[80] = { 0 };
	uint32_t port = 0x608;
	struct rsdp *r = phys_virt(RSDP_AT);

	memcpy(fadt + FADT_PM_TIMER - sizeof(struct header), &port, 4);
	table_put(TABLES_AT + 0x200, "APIC", madt_body, sizeof(madt_body));
	table_put(TABLES_AT + 0x400, "FACP", fadt, sizeof(fadt));
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
	}
	/* The loader's copy of the root pointer counts before what lies in the BIOS. */
	memcpy(bi.rsdp, phys_virt(RSDP_AT), sizeof(struct rsdp));
	bi.rsdp_len = sizeof(struct rsdp);
	memset(phys_virt(RSDP_AT), 0, sizeof(struct rsdp));
	read_all(&bi);
	CHECK(acpi_info.cpu_count == 3);

	srand(1);
	for (int round = 0; round < 20000; round++) {
		uint8_t *tables = phys_virt(TABLES_AT);
		static const unsigned heads[] = { 0, 0x200, 0x400 };

		tables_make(round % 2);
		memcpy(bi.rsdp, phys_virt(RSDP_AT), sizeof(struct rsdp));
		for (int n = 1 + rand() % 6; n > 0; n--)
			tables[heads[rand() % 3] + rand() % 0x90] = rand();
		/* Checksums right again, as firmware with bugs has them. */
		for (int i = 0; i < 3; i++) {
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
