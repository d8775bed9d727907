/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BIOS's disk service (interrupt 13h), called long after start-up. It knows floppies, disks and
 * USB sticks alike, and brings the drivers for what this machine was booted from. What a BIOS relies
 * on is left alone by the kernel: the first megabyte, its interrupt table and its devices; the
 * interrupt controllers are lent to it for the call. Other CPUs wait meanwhile.
 */
#ifndef KERNEL_BIOS_BIOS_H
#define KERNEL_BIOS_BIOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_info;

struct bios_regs {
	uint32_t eax, ebx, ecx, edx, esi, edi;
	bool carry; /* on return: an error, its code in AH */
};

/* Once, after the interrupt controllers; boot_cr3: the start-up page tables. */
void bios_init(const struct boot_info *bi, uint64_t boot_cr3);

/* Was this machine started by a BIOS, and is there low memory to call it? */
bool bios_present(void);

/*
 * Interrupt 13h with these registers, DS and ES being the segment of the buffers. All of the machine
 * stands still for as long as the BIOS takes: milliseconds, with a floppy up to seconds. Thread context,
 * a kernel thread's; sleeps. One caller at a time.
 */
void bios_disk_call(struct bios_regs *regs);

/* 4096 bytes at offset BIOS_BUFFER and 64 at BIOS_PACKET of that segment (kernel/bios/thunk.h). */
uint8_t *bios_buffer(void);
uint8_t *bios_packet(void);
uint16_t bios_segment(void);

#endif
