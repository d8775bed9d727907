/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A medium as a row of sectors of 512 bytes, and the one file on it that concerns a node. Nothing on a
 * medium is trusted: whoever reads a file system here checks each number before it uses it. Portable.
 */
#ifndef KERNEL_MEDIUM_DISK_H
#define KERNEL_MEDIUM_DISK_H

#include <stddef.h>
#include <stdint.h>

#define SECTOR_SIZE	 512
#define FILE_SECTORS_MAX 16 /* of the settings file, as far as we care for one */
#define FILE_SIZE_MAX	 (FILE_SECTORS_MAX * SECTOR_SIZE)

/* Both return 0, -EROFS if the medium is write-protected, or -EIO. May sleep. */
struct disk {
	int (*read)(struct disk *disk, uint64_t sector, void *buf);
	int (*write)(struct disk *disk, uint64_t sector, const void *buf);
};

struct disk_file {
	uint32_t size;	/* bytes; not 0 */
	unsigned count; /* its sectors, those behind its end in the last cluster included */
	uint64_t sector[FILE_SECTORS_MAX];
	/* Where its size is recorded (4 bytes, little endian); sector 0: it cannot be changed. */
	uint64_t size_sector;
	unsigned size_offset;
};

/*
 * Finds muster.cfg in the top folder of a FAT12 or ISO 9660 volume that begins at sector 0. 0, or
 * -errno and in why what is wrong: -ENOENT: it is not there; -EINVAL: the volume is damaged or of
 * another kind; what the disk returned.
 */
int settings_file_find(struct disk *disk, struct disk_file *file, char *why, size_t size);

/* Its parts. */
int fat12_find(struct disk *disk, struct disk_file *file, char *why, size_t size);
int iso9660_find(struct disk *disk, struct disk_file *file, char *why, size_t size);

#endif
