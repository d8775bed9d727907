/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel is told by whatever loaded it, in one form for Multiboot 1 and 2.
 *
 * There is one, static, filled before start_kernel() and constant afterwards. Everything is copied:
 * the loader's own structures may be overwritten as soon as the page allocator runs. Only the
 * modules' contents stay where the loader put them.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdbool.h>
#include <stdint.h>

#define BOOT_MAX_RANGES	 128
#define BOOT_MAX_MODULES 8
#define BOOT_CMDLINE_MAX 1024
#define BOOT_NAME_MAX	 64
#define BOOT_RSDP_MAX	 64

/* Multiboot's numbers, which are ACPI's. Where ranges overlap, the higher number wins. */
enum boot_mem_type {
	BOOT_MEM_USABLE = 1,
	BOOT_MEM_RESERVED = 2,
	BOOT_MEM_ACPI = 3, /* tables; could be reclaimed, but is not */
	BOOT_MEM_NVS = 4,
	BOOT_MEM_BAD = 5,
};

struct boot_range {
	uint64_t base;
	uint64_t len; /* bytes, never 0; base + len does not wrap */
	uint32_t type;
};

struct boot_module {
	uint64_t base;
	uint64_t len;
	char name[BOOT_NAME_MAX]; /* the module's own command line, cut if longer */
};

enum boot_fb_type {
	BOOT_FB_NONE = 0, /* the loader said nothing: a BIOS machine is in VGA text mode */
	BOOT_FB_RGB = 1,
	BOOT_FB_TEXT = 2, /* VGA text: w and h in characters */
};

struct boot_framebuffer {
	uint64_t addr;	/* physical */
	uint32_t pitch; /* bytes from one line to the next */
	uint32_t w, h;
	uint8_t bpp;
	uint8_t type; /* enum boot_fb_type */
	/* Position (bit) and width of each colour in a pixel; RGB only. */
	uint8_t red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_info {
	char cmdline[BOOT_CMDLINE_MAX];		  /* arguments only, without the image's path */
	int boot_drive;				  /* the BIOS's number of where GRUB came from; -1: none */
	bool cmdline_cut;			  /* it was longer: whole words are missing at its end */
	uint8_t multiboot;			  /* version 1 or 2; 0: loaded by something else */
	char loader[BOOT_NAME_MAX];		  /* name of the loader, "" if it does not say */
	struct boot_range range[BOOT_MAX_RANGES]; /* ascending, not overlapping */
	uint32_t range_count;
	uint32_t range_dropped; /* ranges for which there was no room */
	struct boot_module module[BOOT_MAX_MODULES];
	uint32_t module_count;
	struct boot_framebuffer fb;
	uint8_t rsdp[BOOT_RSDP_MAX]; /* a copy of ACPI's root pointer, if the loader gave one */
	uint32_t rsdp_len;	     /* 0: look for it where a BIOS puts it */
	uint64_t entry_tsc;	     /* time-stamp counter at the kernel's first instruction */
};

/* Where boot/ ends: kernel/main.c. On the boot stack, interrupts off; does not return. */
void start_kernel(struct boot_info *bi) __attribute__((noreturn));

#endif
