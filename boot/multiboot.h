/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the information a Multiboot 1 or 2 loader leaves (Multiboot Specification 0.6.96, 3.3;
 * Multiboot2 Specification 2.0, 3.6). Portable: also runs on the host, in unit tests.
 */
#ifndef BOOT_MULTIBOOT_H
#define BOOT_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"

/* What a loader leaves in EAX. */
#define MULTIBOOT1_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u

/* How the parser reaches physical memory: [phys, phys+len) or NULL when it may not be read. */
struct multiboot_mem {
	const void *(*map)(void *ctx, uint64_t phys, size_t len);
	void *ctx;
};

/*
 * Fills *bi (all but entry_tsc) from the loader's structure at physical address info. What lies
 * outside readable memory or contradicts itself is left out. 0, or -EINVAL when magic is not
 * Multiboot's or the structure itself cannot be read; *bi is valid (but empty) even then.
 */
int multiboot_parse(struct boot_info *bi, uint32_t magic, uint64_t info,
		    const struct multiboot_mem *mem);

/*
 * Copies a command line without the image's name. QEMU and iPXE put its path or URL first; GRUB does
 * not, and there the first word is taken for one only if it has a '/' or ':' and no '=' before them.
 * What does not fit in size bytes is left out from a word's start on: false then.
 */
bool multiboot_copy_cmdline(char *dst, size_t size, const char *src, size_t len, const char *loader);

/* Sorts the ranges, settles overlaps in favour of the higher type, joins neighbours of one type. */
void multiboot_tidy_ranges(struct boot_info *bi);

#endif
