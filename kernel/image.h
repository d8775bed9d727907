/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel image's borders, as linker.ld sets them. Their addresses are what counts.
 */
#ifndef KERNEL_IMAGE_H
#define KERNEL_IMAGE_H

/* Virtual. */
extern char kernel_text_start[], kernel_text_end[], kernel_rodata_start[], kernel_rodata_end[];
extern char kernel_data_start[], kernel_end[];

/* Physical. */
extern char boot_load_start[], boot_bss_end[];

#endif
