/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bios.c and thunk.S agree upon: the memory below 640 KB that a BIOS call needs. One segment of
 * real mode: code and words, stack, buffer.
 */
#ifndef KERNEL_BIOS_THUNK_H
#define KERNEL_BIOS_THUNK_H

#define BIOS_PAGES     4
#define BIOS_STACK_END 0x2000 /* of two pages, less the code */
#define BIOS_BUFFER    0x2000
#define BIOS_PACKET    0x3000

#ifndef __ASSEMBLER__

#include <stdint.h>

/* In the order of thunk.S. */
struct bios_thunk_regs {
	uint32_t eax, ebx, ecx, edx, esi, edi;
	uint8_t carry;
};

extern uint8_t bios_thunk[], bios_thunk_end[], bios_thunk_regs[];
extern uint8_t bios_gdt_code16[], bios_gdt_data16[], bios_gdtr_base[];
extern uint8_t bios_far32[], bios_far32_back[], bios_far64[], bios_far_real[], bios_cr3[];

void bios_enter(uint8_t *page, uint32_t page_pa, uint64_t boot_cr3);

#endif
#endif
