/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a file on a FAT12 volume (Microsoft's FAT specification of 2000), as mkfloppy.sh makes one. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/medium/bytes.h"
#include "kernel/medium/disk.h"

#define CLUSTERS_MAX	4084 /* with more it would be FAT16 */
#define FIRST_CLUSTER	2
#define END_OF_CHAIN	0xff8
#define ENTRY_SIZE	32
#define ENTRY_END	0x00
#define ENTRY_CLUSTER	26
#define ENTRY_FILE_SIZE 28
#define ATTR		11
#define ATTR_LABEL	0x08 /* also set in entries of long names */
#define ATTR_FOLDER	0x10

struct volume {
	struct disk *disk;
	uint32_t fat, root, data; /* first sectors */
	uint32_t root_entries;
	uint32_t clusters;
	uint32_t cluster_sectors;
};

static int damaged(char *why, size_t size, const char *what)
{
	snprintf(why, size, "the file system of the medium is damaged: %s", what);
	return -EINVAL;
}

static int mount(struct volume *v, struct disk *disk, char *why, size_t size)
{
	uint8_t b[SECTOR_SIZE];
	uint32_t fats, fat_sectors, total;
	int err = disk->read(disk, 0, b);

	if (err)
		return err;
	total = get_le16(b + 19) ? get_le16(b + 19) : get_le32(b + 32);
	v->disk = disk;
	v->cluster_sectors = b[13];
	v->fat = get_le16(b + 14);
	fats = b[16];
	v->root_entries = get_le16(b + 17);
	fat_sectors = get_le16(b + 22);
	if (get_le16(b + 11) != SECTOR_SIZE || b[13] == 0 || (b[13] & (b[13] - 1)) || v->fat == 0 ||
	    fats == 0 || fats > 2 || v->root_entries == 0 || fat_sectors == 0)
		return damaged(why, size, "its first sector");
	v->root = v->fat + fats * fat_sectors;
	v->data = v->root + (v->root_entries * ENTRY_SIZE + SECTOR_SIZE - 1) / SECTOR_SIZE;
	if (total <= v->data)
		return damaged(why, size, "its first sector");
	v->clusters = (total - v->data) / v->cluster_sectors;
	if (v->clusters == 0 || v->clusters > CLUSTERS_MAX ||
	    fat_sectors * SECTOR_SIZE * 2 / 3 < v->clusters + FIRST_CLUSTER)
		return damaged(why, size, "it is not FAT12, or its table is too short");
	return 0;
}

/* What the table has for a cluster that exists; entries of 12 bits may lie across two sectors. */
static int next_cluster(const struct volume *v, uint32_t cluster, uint32_t *next)
{
	uint32_t at = cluster + cluster / 2;
	uint8_t b[2 * SECTOR_SIZE];
	int err = v->disk->read(v->disk, v->fat + at / SECTOR_SIZE, b);

	if (!err && at % SECTOR_SIZE == SECTOR_SIZE - 1)
		err = v->disk->read(v->disk, v->fat + at / SECTOR_SIZE + 1, b + SECTOR_SIZE);
	if (err)
		return err;
	*next = get_le16(b + at % SECTOR_SIZE);
	*next = cluster % 2 ? *next >> 4 : *next & 0xfff;
	return 0;
}

/* Follows the chain from a cluster on: it must be exactly as long as the file's size says. */
static int collect_sectors(const struct volume *v, uint32_t cluster, struct disk_file *f, char *why,
			   size_t size)
{
	uint32_t cluster_size = v->cluster_sectors * SECTOR_SIZE;
	uint32_t left = (f->size + cluster_size - 1) / cluster_size;

	for (f->count = 0; left; left--) {
		if (cluster < FIRST_CLUSTER || cluster - FIRST_CLUSTER >= v->clusters)
			return damaged(why, size,
				       "muster.cfg leads to a cluster that is not there");
		for (uint32_t i = 0; i < v->cluster_sectors && f->count < FILE_SECTORS_MAX; i++)
			f->sector[f->count++] =
				v->data + (cluster - FIRST_CLUSTER) * v->cluster_sectors + i;
		int err = next_cluster(v, cluster, &cluster);

		if (err)
			return err;
	}
	if (cluster < END_OF_CHAIN)
		return damaged(why, size, "the clusters of muster.cfg do not end where it ends");
	return 0;
}

int fat12_find(struct disk *disk, struct disk_file *f, char *why, size_t size)
{
	uint8_t b[SECTOR_SIZE], *e;
	struct volume v;
	int err = mount(&v, disk, why, size);

	for (uint32_t i = 0; !err && i < v.root_entries; i++) {
		uint32_t offset = i * ENTRY_SIZE % SECTOR_SIZE;
		uint64_t sector = v.root + i * ENTRY_SIZE / SECTOR_SIZE;

		if (offset == 0)
			err = disk->read(disk, sector, b);
		e = b + offset;
		if (err || e[0] == ENTRY_END)
			break;
		if (memcmp(e, "MUSTER  CFG", 11) != 0 || (e[ATTR] & (ATTR_LABEL | ATTR_FOLDER)))
			continue;
		f->size = get_le32(e + ENTRY_FILE_SIZE);
		f->size_sector = sector;
		f->size_offset = offset + ENTRY_FILE_SIZE;
		if (f->size == 0 || f->size > FILE_SIZE_MAX) {
			snprintf(why, size, "muster.cfg has %u bytes; it may have 1 to %u",
				 (unsigned)f->size, FILE_SIZE_MAX);
			return -EINVAL;
		}
		return collect_sectors(&v, get_le16(e + ENTRY_CLUSTER), f, why, size);
	}
	if (err)
		return err;
	snprintf(why, size, "there is no muster.cfg on the medium");
	return -ENOENT;
}
