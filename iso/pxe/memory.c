/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory as the BIOS gives it to real-mode programs: the map, and copies to above 1 MB. */
#include "iso/pxe/pxe.h"

#define SMAP 0x534d4150u

static void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

unsigned memory_map(struct memory_range *ranges)
{
	struct bios_regs r = { 0 };
	unsigned count = 0;

	do {
		r.eax = 0xe820;
		r.ecx = 20;
		r.edx = SMAP;
		r.edi = (uint32_t)&ranges[count].base;
		if (bios_call(0x15, &r) & FLAG_CARRY || r.eax != SMAP || r.ecx < 20)
			break;
		ranges[count].size = sizeof(ranges[count]) - sizeof(ranges[count].size);
		count++;
	} while (r.ebx && count < MEMORY_RANGES_MAX);
	return count;
}

bool memory_usable(const struct memory_range *ranges, unsigned count, uint32_t from, uint32_t to)
{
	for (unsigned i = 0; i < count; i++)
		if (ranges[i].type == 1 && ranges[i].base <= from &&
		    ranges[i].base + ranges[i].len >= to)
			return true;
	return false;
}

/*
 * INT 15h AH=87h: the caller gives descriptors, and the BIOS minds protected mode and address line
 * 20.
 */
bool memory_put(uint32_t to, const void *from, unsigned len)
{
	struct {
		uint16_t limit, base_low;
		uint8_t base_mid, access;
		uint8_t flags, base_high;
	} __attribute__((packed)) gdt[6] = { 0 };
	const uint32_t base[2] = { (uint32_t)from, to };
	struct bios_regs r = { .eax = 0x8700, .ecx = len / 2, .esi = (uint32_t)gdt };

	for (unsigned i = 0; i < 2; i++) {
		gdt[2 + i].limit = 0xffff;
		gdt[2 + i].base_low = base[i];
		gdt[2 + i].base_mid = base[i] >> 16;
		gdt[2 + i].base_high = base[i] >> 24;
		gdt[2 + i].access = 0x93;
	}
	return !(bios_call(0x15, &r) & FLAG_CARRY) && !(r.eax & 0xff00);
}

/* Is 1 MB above this variable another byte? */
static bool line20(void)
{
	static volatile uint32_t here;
	uint32_t above;

	for (uint32_t try = 0x5a5a0001; try < 0x5a5a0003; try++) {
		here = try;
		copy_far(&above, 0xffff, (uint32_t)&here + 16, sizeof(above));
		if (above != try)
			return true;
	}
	return false;
}

bool memory_all_lines(void)
{
	struct bios_regs r = { .eax = 0x2401 };

	if (line20())
		return true;
	bios_call(0x15, &r);
	if (line20())
		return true;
	outb(0x92, (inb(0x92) | 2) & ~1); /* bit 0 would reset the machine */
	return line20();
}
