/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A drive of the BIOS as a disk. */
#ifndef KERNEL_BIOS_DISK_H
#define KERNEL_BIOS_DISK_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/medium/disk.h"

struct bios_disk {
	struct disk disk;
	uint8_t drive;
	bool lba;		 /* by sector numbers; else by cylinder, head and sector */
	unsigned heads, sectors; /* of a cylinder, of a track */
};

/*
 * Asks the BIOS about a drive. 0; -EROFS: a CD; -EIO: it does not answer; with what is in the way in
 * why. Context as bios_disk_call(), for this and for reads and writes.
 */
int bios_disk_open(struct bios_disk *d, uint8_t drive, char *why, size_t size);

/* After the last use: lets a floppy's motor stop. */
void bios_disk_close(struct bios_disk *d);

#endif
