/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drives by interrupt 13h, on a BIOS of our own: floppies and old disks by cylinder, head and sector, others by
 * number; what is tried again, and what each error becomes.
 */
#include "tests/unit/unit.h"

#define KERNEL_CPU_X86_H
#define KERNEL_MM_PAGE_H

static uint8_t low_memory[1 << 16], bios_data[0x500];
static unsigned port, port_value;

static void outb(uint16_t p, uint8_t v)
{
	port = p;
	port_value = v;
}

static void *phys_virt(uint64_t pa)
{
	CHECK(pa < sizeof(bios_data));
	return bios_data + pa;
}

#include "kernel/bios/disk.c"

/* --- the BIOS ---------------------------------------------------------------------------------------- */

#define DISK_SECTORS 6000

static uint8_t content[DISK_SECTORS][SECTOR_SIZE];
static struct {
	uint8_t drive;
	bool extensions;
	uint16_t sector_size;
	unsigned cylinders, heads, sectors;
	unsigned fail;	  /* so many transfers fail first */
	unsigned code;	  /* with this error */
	bool resets_must; /* a transfer after an error needs a reset before */
	bool dirty;
} bios;

uint8_t *bios_buffer(void)
{
	return low_memory + BIOS_BUFFER;
}

uint8_t *bios_packet(void)
{
	return low_memory + BIOS_PACKET;
}

uint16_t bios_segment(void)
{
	return 0x9000;
}

static void answer(struct bios_regs *r, unsigned code)
{
	r->carry = code != 0;
	r->eax = code << 8;
}

static void move(struct bios_regs *r, uint64_t sector, unsigned offset, bool write)
{
	if (bios.fail) {
		bios.fail--;
		bios.dirty = bios.resets_must;
		answer(r, bios.code);
		return;
	}
	if (bios.dirty || sector >= DISK_SECTORS) {
		answer(r, 4);
		return;
	}
	CHECK_EQ(offset, BIOS_BUFFER);
	if (write)
		memcpy(content[sector], low_memory + offset, SECTOR_SIZE);
	else
		memcpy(low_memory + offset, content[sector], SECTOR_SIZE);
	answer(r, 0);
}

static void move_chs(struct bios_regs *r, bool write)
{
	unsigned cylinder = (r->ecx >> 8 & 0xff) | (r->ecx & 0xc0) << 2, head = r->edx >> 8 & 0xff;
	unsigned sector = r->ecx & 0x3f;

	CHECK_EQ(r->eax & 0xff, 1);
	CHECK(cylinder < bios.cylinders && head < bios.heads && sector >= 1 &&
	      sector <= bios.sectors);
	move(r, (cylinder * bios.heads + head) * bios.sectors + sector - 1, r->ebx, write);
}

static void move_packet(struct bios_regs *r, bool write)
{
	struct ext_packet p;

	memcpy(&p, low_memory + r->esi, sizeof(p));
	CHECK(bios.extensions && p.size == 16 && p.count == 1 && p.segment == 0x9000);
	move(r, p.sector, p.offset, write);
}

void bios_disk_call(struct bios_regs *r)
{
	CHECK_EQ(r->edx & 0xff, bios.drive);
	switch (r->eax >> 8) {
	case 0x00:
		bios.dirty = false;
		answer(r, 0);
		break;
	case 0x02:
	case 0x03:
		move_chs(r, r->eax >> 8 == 3);
		break;
	case 0x08:
		r->ecx = ((bios.cylinders - 1) & 0xff) << 8 | (bios.cylinders - 1) >> 8 << 6 |
			 bios.sectors;
		r->edx = (bios.heads - 1) << 8 | 1;
		answer(r, bios.sectors ? 0 : 7);
		break;
	case 0x41:
		CHECK_EQ(r->ebx, 0x55aa);
		r->ebx = 0xaa55;
		r->ecx = 1;
		answer(r, bios.extensions ? 0 : 1);
		break;
	case 0x42:
	case 0x43:
		move_packet(r, r->eax >> 8 == 0x43);
		break;
	case 0x48:
		CHECK_EQ(low_memory[BIOS_PACKET], 30);
		memcpy(low_memory + BIOS_PACKET + 24, &bios.sector_size, 2);
		answer(r, 0);
		break;
	default:
		CHECK(0);
	}
}

/* --- the tests ---------------------------------------------------------------------------------------- */

static struct bios_disk d;
static char why[128];

static int open_drive(uint8_t drive, bool extensions, unsigned cylinders, unsigned heads,
		      unsigned sectors)
{
	memset(&bios, 0, sizeof(bios));
	bios.drive = drive;
	bios.extensions = extensions;
	bios.sector_size = SECTOR_SIZE;
	bios.cylinders = cylinders;
	bios.heads = heads;
	bios.sectors = sectors;
	bios.code = 0x10;
	*why = 0;
	return bios_disk_open(&d, drive, why, sizeof(why));
}

/* Every sector is written and read back at its own place, and those behind the end are refused. */
static void all_sectors(unsigned count)
{
	uint8_t b[SECTOR_SIZE];

	memset(content, 0xee, sizeof(content));
	for (unsigned i = 0; i < count; i++) {
		memset(b, i, sizeof(b));
		memcpy(b, &i, sizeof(i));
		CHECK_EQ(d.disk.write(&d.disk, i, b), 0);
	}
	for (unsigned i = 0; i < count; i++) {
		CHECK(memcmp(content[i], &i, sizeof(i)) == 0);
		CHECK_EQ(d.disk.read(&d.disk, i, b), 0);
		CHECK(memcmp(content[i], b, sizeof(b)) == 0);
	}
}

TEST(a_floppy)
{
	CHECK_EQ(open_drive(0, false, 80, 2, 18), 0);
	all_sectors(2880);
}

TEST(a_disk_without_extensions)
{
	CHECK_EQ(open_drive(0x80, false, 1024, 4, 1), 0);
	all_sectors(4096);
	CHECK_EQ(d.disk.read(&d.disk, 4096, content[0]), -EIO); /* cylinder 1024 */
	CHECK_EQ(d.disk.read(&d.disk, 1ull << 40, content[0]), -EIO);
}

TEST(a_disk_with_extensions)
{
	CHECK_EQ(open_drive(0x81, true, 0, 0, 0), 0);
	all_sectors(DISK_SECTORS);
	CHECK_EQ(d.disk.read(&d.disk, DISK_SECTORS, content[0]), -EIO);
}

TEST(a_cd_and_nothing_at_all)
{
	memset(&bios, 0, sizeof(bios));
	bios.drive = 0xe0;
	bios.extensions = true;
	bios.sector_size = 2048;
	CHECK_EQ(bios_disk_open(&d, 0xe0, why, sizeof(why)), -EROFS);
	CHECK(strstr(why, "started from a CD"));
	CHECK_EQ(open_drive(0x80, false, 1, 1, 0), -EIO);
	CHECK(strstr(why, "does not know drive 80"));
}

TEST(errors_are_tried_again_after_a_reset)
{
	uint8_t b[SECTOR_SIZE];

	CHECK_EQ(open_drive(0, false, 80, 2, 18), 0);
	bios.resets_must = true;
	bios.fail = 2;
	CHECK_EQ(d.disk.read(&d.disk, 5, b), 0);
	bios.fail = 3;
	CHECK_EQ(d.disk.read(&d.disk, 5, b), -EIO);
	bios.fail = 1;
	bios.code = 0x03;
	CHECK_EQ(d.disk.write(&d.disk, 5, b), -EROFS);
	CHECK_EQ(bios.fail, 0);
}

TEST(only_a_floppys_motor_is_stopped)
{
	bios_data[0x43f] = 0x91;
	bios_data[0x440] = 37;
	CHECK_EQ(open_drive(0x80, true, 0, 0, 0), 0);
	bios_disk_close(&d);
	CHECK_EQ(port, 0);
	CHECK_EQ(bios_data[0x440], 37);
	CHECK_EQ(open_drive(0, false, 80, 2, 18), 0);
	bios_disk_close(&d);
	CHECK(port == 0x3f2 && port_value == 0x0c);
	CHECK(bios_data[0x43f] == 0x90 && bios_data[0x440] == 0);
}
