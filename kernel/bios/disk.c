/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sectors by interrupt 13h: its extensions (EDD 3.0) where the drive has them, else the functions of
 * the first PCs, which floppies still need.
 */
#include "kernel/bios/disk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/bios/bios.h"
#include "kernel/bios/thunk.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/page.h"

#define FN_RESET	  0x0000
#define FN_READ		  0x0200
#define FN_WRITE	  0x0300
#define FN_GEOMETRY	  0x0800
#define FN_EXTENSIONS	  0x4100
#define FN_EXT_READ	  0x4200
#define FN_EXT_WRITE	  0x4300
#define FN_EXT_PARAMETERS 0x4800

#define ERROR_WRITE_PROTECTED 0x03
#define ATTEMPTS	      3 /* the first may find a floppy's motor off */
#define FIRST_DISK	      0x80

#define FDC_DOR		   0x3f2
#define FDC_DOR_MOTORS_OFF 0x0c /* no reset, interrupts on */
#define BDA_MOTORS	   0x43f
#define BDA_MOTOR_TICKS	   0x440

struct ext_packet {
	uint8_t size, zero;
	uint16_t count;
	uint16_t offset, segment;
	uint64_t sector;
};

/* Runs the call; 0 or the BIOS's error code, never 0 then. */
static unsigned run(struct bios_regs *r)
{
	unsigned code;

	bios_disk_call(r);
	code = r->eax >> 8 & 0xff;
	return !r->carry ? 0 : code ? code : 0xff;
}

static bool set_up(const struct bios_disk *d, uint64_t sector, bool write, struct bios_regs *r)
{
	struct ext_packet packet = { sizeof(packet), 0, 1, BIOS_BUFFER, bios_segment(), sector };
	uint64_t track = sector / d->sectors, cylinder = track / d->heads;

	*r = (struct bios_regs){ .edx = d->drive };
	if (d->lba) {
		memcpy(bios_packet(), &packet, sizeof(packet));
		r->eax = write ? FN_EXT_WRITE : FN_EXT_READ;
		r->esi = BIOS_PACKET;
		return true;
	}
	if (cylinder > 1023)
		return false;
	r->eax = (write ? FN_WRITE : FN_READ) | 1;
	r->ebx = BIOS_BUFFER;
	r->ecx = (cylinder & 0xff) << 8 | (cylinder >> 8) << 6 | (sector % d->sectors + 1);
	r->edx |= track % d->heads << 8;
	return true;
}

static int transfer(struct bios_disk *d, uint64_t sector, bool write)
{
	struct bios_regs r;
	unsigned code = 0;

	for (int i = 0; i < ATTEMPTS; i++) {
		if (!set_up(d, sector, write, &r))
			return -EIO;
		code = run(&r);
		if (code == 0)
			return 0;
		if (code == ERROR_WRITE_PROTECTED)
			return -EROFS;
		r = (struct bios_regs){ .eax = FN_RESET, .edx = d->drive };
		run(&r);
	}
	return -EIO;
}

static int disk_read(struct disk *disk, uint64_t sector, void *buf)
{
	int err = transfer((struct bios_disk *)disk, sector, false);

	if (!err)
		memcpy(buf, bios_buffer(), SECTOR_SIZE);
	return err;
}

static int disk_write(struct disk *disk, uint64_t sector, const void *buf)
{
	memcpy(bios_buffer(), buf, SECTOR_SIZE);
	return transfer((struct bios_disk *)disk, sector, true);
}

/* Has the drive the extensions, and what is its sector's size then? */
static bool ask_extensions(uint8_t drive, uint16_t *sector_size)
{
	struct bios_regs r = { .eax = FN_EXTENSIONS, .ebx = 0x55aa, .edx = drive };
	uint16_t size = 30;

	if (run(&r) || (r.ebx & 0xffff) != 0xaa55 || !(r.ecx & 1))
		return false;
	memset(bios_packet(), 0, 64);
	memcpy(bios_packet(), &size, sizeof(size));
	r = (struct bios_regs){ .eax = FN_EXT_PARAMETERS, .edx = drive, .esi = BIOS_PACKET };
	*sector_size = SECTOR_SIZE;
	if (run(&r) == 0)
		memcpy(sector_size, bios_packet() + 24, sizeof(*sector_size));
	return true;
}

int bios_disk_open(struct bios_disk *d, uint8_t drive, char *why, size_t size)
{
	struct bios_regs r = { .eax = FN_GEOMETRY, .edx = drive };
	uint16_t sector_size;

	*d = (struct bios_disk){ { disk_read, disk_write }, drive, false, 1, 1 };
	if (drive >= FIRST_DISK && ask_extensions(drive, &sector_size)) {
		if (sector_size == SECTOR_SIZE) {
			d->lba = true;
			return 0;
		}
		snprintf(why, size, "the node was started from a CD, which cannot be written to");
		return -EROFS;
	}
	if (run(&r) == 0) {
		d->sectors = r.ecx & 0x3f;
		d->heads = (r.edx >> 8 & 0xff) + 1;
		if (d->sectors)
			return 0;
	}
	snprintf(why, size, "the BIOS does not know drive %02x, from which the node was started",
		 drive);
	return -EIO;
}

/*
 * The BIOS stops the motor some seconds later by its timer interrupt, which it gets no more: done at
 * once, with what it notes in its data area about it.
 */
void bios_disk_close(struct bios_disk *d)
{
	if (d->drive >= FIRST_DISK)
		return;
	outb(FDC_DOR, FDC_DOR_MOTORS_OFF);
	*(volatile uint8_t *)phys_virt(BDA_MOTORS) &= 0xf0;
	*(volatile uint8_t *)phys_virt(BDA_MOTOR_TICKS) = 0;
}
