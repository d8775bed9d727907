/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first C code: turns what the loader left into a struct boot_info and starts the kernel.
 * Runs on the boot stack with the early page tables of entry.S, interrupts off, no console yet.
 */
#include <stddef.h>
#include <stdint.h>

#include "boot/boot_info.h"
#include "boot/multiboot.h"
#include "kernel/mm/page.h"

void boot_main(uint32_t magic, uint32_t info, uint64_t entry_tsc);

static struct boot_info boot_info;

/* The early direct map covers the first 4 GB, where Multiboot structures are by definition. */
static const void *early_map(void *ctx, uint64_t phys, size_t len)
{
	const uint64_t limit = 1ull << 32;

	(void)ctx;
	if (phys >= limit || len > limit - phys)
		return NULL;
	return (const void *)(DIRECT_MAP + phys);
}

void boot_main(uint32_t magic, uint32_t info, uint64_t entry_tsc)
{
	const struct multiboot_mem mem = { .map = early_map };

	/* A loader that is not Multiboot's leaves no memory map: page_init() says so on the console. */
	(void)multiboot_parse(&boot_info, magic, info, &mem);
	boot_info.entry_tsc = entry_tsc;
	start_kernel(&boot_info);
}
