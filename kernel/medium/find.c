/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which file system is it? See disk.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/medium/disk.h"

/* A boot sector of FAT begins with a jump over its description, and names its kind. */
static bool is_fat12(const uint8_t *b)
{
	return (b[0] == 0xeb || b[0] == 0xe9) && memcmp(b + 54, "FAT12   ", 8) == 0;
}

int settings_file_find(struct disk *disk, struct disk_file *file, char *why, size_t size)
{
	uint8_t b[SECTOR_SIZE];
	int err = disk->read(disk, 0, b);

	*why = '\0';
	memset(file, 0, sizeof(*file));
	if (!err)
		err = is_fat12(b) ? fat12_find(disk, file, why, size)
				  : iso9660_find(disk, file, why, size);
	if (err && !*why)
		snprintf(why, size, "the medium cannot be read: error %d", -err);
	return err;
}
