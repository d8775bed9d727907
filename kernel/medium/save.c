/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saves settings in muster.cfg on the medium that the node was started from, by the BIOS that read it
 * then. Under UEFI nobody can: its drivers are gone once a kernel runs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot_info.h"
#include "kernel/bios/bios.h"
#include "kernel/bios/disk.h"
#include "kernel/kprintf.h"
#include "kernel/medium/bytes.h"
#include "kernel/medium/edit.h"
#include "kernel/medium/medium.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/settings.h"
#include "kernel/sync/mutex.h"

#define EDITS_MAX 32

/* All that one save needs; too much for a kernel stack. */
struct work {
	struct bios_disk disk;
	struct disk_file file;
	struct setting_view view[EDITS_MAX];
	struct setting_edit edit[EDITS_MAX];
	unsigned edits;
	char old[FILE_SIZE_MAX], text[FILE_SIZE_MAX];
	uint8_t sector[SECTOR_SIZE];
};

static struct mutex lock = MUTEX_INIT(lock);
static int boot_drive = -1;
static const char *no_medium;

void medium_init(const struct boot_info *bi)
{
	boot_drive = bios_present() ? bi->boot_drive : -1;
	if (bi->multiboot == 2)
		no_medium = "the node was started by UEFI, which lets nobody write later: "
			    "this holds until the next start only";
	else
		no_medium = "the node was not started from a medium of its own: "
			    "this holds until the next start only";
}

static void collect_edits(struct work *w)
{
	struct setting_view *v = w->view;

	for (unsigned i = 0; w->edits < EDITS_MAX && settings_look(i, v); i++) {
		if (!v->unsaved)
			continue;
		w->edit[w->edits++] =
			(struct setting_edit){ v->setting->name, v->set ? v->value : NULL };
		v++;
	}
}

static int read_file(struct work *w, char *text)
{
	int err = 0;

	for (unsigned i = 0; i < w->file.count && !err; i++)
		err = w->disk.disk.read(&w->disk.disk, w->file.sector[i], text + i * SECTOR_SIZE);
	return err;
}

/* The sectors that differ; then the size, so that a file never ends behind what is written. */
static int write_file(struct work *w, uint32_t len)
{
	struct disk *disk = &w->disk.disk;
	int err = 0;

	for (unsigned i = 0; i < w->file.count && !err; i++)
		if (memcmp(w->old + i * SECTOR_SIZE, w->text + i * SECTOR_SIZE, SECTOR_SIZE) != 0)
			err = disk->write(disk, w->file.sector[i], w->text + i * SECTOR_SIZE);
	if (err || len == w->file.size)
		return err;
	err = disk->read(disk, w->file.size_sector, w->sector);
	if (err)
		return err;
	put_le32(w->sector + w->file.size_offset, len);
	return disk->write(disk, w->file.size_sector, w->sector);
}

static int save(struct work *w, char *why, size_t size)
{
	uint32_t room;
	int err, len;

	err = settings_file_find(&w->disk.disk, &w->file, why, size);
	if (err)
		return err;
	err = read_file(w, w->old);
	if (err)
		goto failed;
	room = w->file.size_sector ? w->file.count * SECTOR_SIZE : w->file.size;
	memcpy(w->text, w->old, sizeof(w->text));
	len = settings_file_edit(w->text, w->file.size, room, w->edit, w->edits, why, size);
	if (len < 0)
		return len;
	err = write_file(w, len);
	if (err)
		goto failed;
	/* A medium may say yes to everything. */
	err = read_file(w, w->old);
	if (err)
		goto failed;
	if (memcmp(w->old, w->text, w->file.count * SECTOR_SIZE) == 0)
		return 0;
	err = -EIO;

failed:
	if (err == -EROFS)
		snprintf(why, size, "the medium is write-protected");
	else
		snprintf(why, size, "the medium cannot be written to (is it write-protected?)");
	return err;
}

int settings_save(char *why, size_t size)
{
	struct work *w;
	int err;

	*why = '\0';
	mutex_lock(&lock);
	w = kzalloc(sizeof(*w));
	err = w ? 0 : -ENOMEM;
	if (err) {
		snprintf(why, size, "no memory");
		goto out;
	}
	collect_edits(w);
	if (w->edits == 0)
		goto out;
	if (boot_drive < 0) {
		snprintf(why, size, "%s", no_medium);
		err = -EOPNOTSUPP;
		goto out;
	}
	err = bios_disk_open(&w->disk, boot_drive, why, size);
	if (!err) {
		err = save(w, why, size);
		bios_disk_close(&w->disk);
	}
	for (unsigned i = 0; !err && i < w->edits; i++)
		settings_saved(&w->view[i]);
	if (!err)
		kprintf("settings: saved in muster.cfg\n");
out:
	kfree(w);
	mutex_unlock(&lock);
	return err;
}
