/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds a file on an ISO 9660 volume (ECMA-119), as mkiso.sh makes one: written to a stick, it can be
 * changed in place. Its length cannot: it is recorded in several folders (Joliet's, too).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kernel/medium/bytes.h"
#include "kernel/medium/disk.h"

#define BLOCK_SIZE	  2048
#define PER_BLOCK	  (BLOCK_SIZE / SECTOR_SIZE)
#define DESCRIPTOR_BLOCK  16
#define VOLUME_BLOCKS	  80 /* ECMA-119, 8.4: both-endian numbers, as all that follow */
#define VOLUME_BLOCK_SIZE 128
#define VOLUME_ROOT	  156
#define RECORD_MIN	  34 /* 9.1 */
#define RECORD_EXTENT	  2
#define RECORD_SIZE	  10
#define RECORD_FLAGS	  25
#define RECORD_NAME_LEN	  32
#define RECORD_NAME	  33
#define FLAG_FOLDER	  0x02
#define FLAG_CONTINUED	  0x80
#define FOLDER_BLOCKS_MAX 32

static int damaged(char *why, size_t size, const char *what)
{
	snprintf(why, size, "the file system of the medium is damaged: %s", what);
	return -EINVAL;
}

static int read_block(struct disk *disk, uint64_t block, uint8_t *b)
{
	int err = 0;

	for (unsigned i = 0; i < PER_BLOCK && !err; i++)
		err = disk->read(disk, block * PER_BLOCK + i, b + i * SECTOR_SIZE);
	return err;
}

/* A number that is there twice, little and big endian; false if the two differ. */
static bool get_both(const uint8_t *p, uint32_t *v)
{
	*v = get_le32(p);
	return *v == get_be32(p + 4);
}

/* Where a record says its content is; false if that is not within the volume. */
static bool get_extent(const uint8_t *record, uint32_t blocks, uint32_t *first, uint32_t *bytes)
{
	return get_both(record + RECORD_EXTENT, first) && get_both(record + RECORD_SIZE, bytes) &&
	       *first > DESCRIPTOR_BLOCK && *first < blocks &&
	       *bytes <= (uint64_t)(blocks - *first) * BLOCK_SIZE;
}

static bool is_ours(const uint8_t *record)
{
	static const char name[] = "MUSTER.CFG;1";

	return record[RECORD_NAME_LEN] == sizeof(name) - 1 &&
	       record[0] >= RECORD_NAME + sizeof(name) - 1 &&
	       memcmp(record + RECORD_NAME, name, sizeof(name) - 1) == 0;
}

static int take(const uint8_t *record, uint32_t blocks, struct disk_file *f, char *why, size_t size)
{
	uint32_t first;

	if ((record[RECORD_FLAGS] & (FLAG_FOLDER | FLAG_CONTINUED)) ||
	    !get_extent(record, blocks, &first, &f->size))
		return damaged(why, size, "the entry of muster.cfg");
	if (f->size == 0 || f->size > FILE_SIZE_MAX) {
		snprintf(why, size, "muster.cfg has %u bytes; it may have 1 to %u",
			 (unsigned)f->size, FILE_SIZE_MAX);
		return -EINVAL;
	}
	f->size_sector = 0;
	f->size_offset = 0;
	f->count = (f->size + SECTOR_SIZE - 1) / SECTOR_SIZE;
	for (unsigned i = 0; i < f->count; i++)
		f->sector[i] = (uint64_t)first * PER_BLOCK + i;
	return 0;
}

int iso9660_find(struct disk *disk, struct disk_file *f, char *why, size_t size)
{
	static const uint8_t primary[] = { 1, 'C', 'D', '0', '0', '1', 1 };
	uint32_t blocks, folder, folder_bytes;
	uint8_t b[BLOCK_SIZE];
	int err = read_block(disk, DESCRIPTOR_BLOCK, b);

	if (err)
		return err;
	if (memcmp(b, primary, sizeof(primary)) != 0) {
		snprintf(why, size, "the medium is of another kind than those of make images");
		return -EINVAL;
	}
	if (!get_both(b + VOLUME_BLOCKS, &blocks) ||
	    get_le16(b + VOLUME_BLOCK_SIZE) != BLOCK_SIZE ||
	    !get_extent(b + VOLUME_ROOT, blocks, &folder, &folder_bytes) ||
	    folder_bytes > FOLDER_BLOCKS_MAX * BLOCK_SIZE)
		return damaged(why, size, "its volume descriptor");
	for (uint32_t at = 0; at < folder_bytes;) {
		const uint8_t *record = b + at % BLOCK_SIZE;
		uint32_t left = BLOCK_SIZE - at % BLOCK_SIZE;

		if (at % BLOCK_SIZE == 0)
			err = read_block(disk, folder + at / BLOCK_SIZE, b);
		if (err)
			return err;
		/* The rest of a block is left free if a record would not fit. */
		if (record[0] == 0) {
			at += left;
			continue;
		}
		if (record[0] < RECORD_MIN || record[0] > left ||
		    RECORD_NAME + record[RECORD_NAME_LEN] > record[0])
			return damaged(why, size, "its top folder");
		if (is_ours(record))
			return take(record, blocks, f, why, size);
		at += record[0];
	}
	snprintf(why, size, "there is no muster.cfg on the medium");
	return -ENOENT;
}
