/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PXE loader: the first program that a BIOS PC's network ROM loads. It fetches the settings and
 * the kernel by the ROM's TFTP from the server that answered the PXE request, which behind a
 * proxy-DHCP is another than the DHCP server, and starts the kernel as Multiboot 1 says. GRUB's own
 * PXE image knows only the DHCP server.
 *
 * Source: Intel, Preboot Execution Environment Specification 2.1 (structures: 3.3, 3.4; calls:
 * 3.4.1).
 */
#ifndef ISO_PXE_PXE_H
#define ISO_PXE_PXE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bios_regs {
	uint32_t eax, ebx, ecx, edx, esi, edi;
};

#define FLAG_CARRY 1u

/* start.S */
unsigned bios_call(unsigned number, struct bios_regs *regs);
unsigned pxe_call(unsigned function, void *params);
void copy_far(void *to, unsigned segment, unsigned offset, unsigned bytes);
void enter_kernel(uint32_t entry, uint32_t magic, void *info) __attribute__((noreturn));
extern uint32_t pxe_found[2], pxe_entry;
/* The BIOS's: counts its timer's interrupts; 0x1234: no memory test at the next start. */
extern volatile uint32_t bios_ticks;
extern volatile uint16_t bios_warm_start;
extern uint8_t block_buffer[], block_buffer_end[];

/*
 * screen.c: text by the BIOS. put_text() knows %s, %u, %i (an IPv4 address), %m (six bytes of a
 * MAC).
 */
void put_text(const char *fmt, ...);
/*
 * Says why, waits so that it can be read, and starts the machine anew: it tries again until the
 * server is there.
 */
void fail(const char *why) __attribute__((noreturn));
void wait_ticks(unsigned ticks); /* of 55 ms */

/* rom.c */
struct pxe_server {
	uint32_t address; /* network order; 0: nobody said */
	uint8_t mac[6];	  /* our own */
};

/* Finds the ROM's entry; false: there is none. */
bool rom_find(void);
/* Who gave us this program, and to whom. */
void rom_server(struct pxe_server *server);
/* Gives the card back: it writes to no memory any more, and the ROM's own is free. */
void rom_leave(void);

/*
 * Fetches a file. block() is called with each piece, in order; with NULL before the first, also when
 * it starts again; it returns false to end it. Returns the bytes, -1 if the server has no such file,
 * -2 if it cannot be had, -3 if block() ended it.
 */
long tftp_get(const struct pxe_server *server, const char *name,
	      bool (*block)(const uint8_t *data, unsigned len));

/* memory.c: what the BIOS knows of it. */
struct memory_range {
	uint32_t size; /* of the rest, as Multiboot 1 has it */
	uint64_t base, len;
	uint32_t type; /* 1: usable */
} __attribute__((packed));

#define MEMORY_RANGES_MAX 64

unsigned memory_map(struct memory_range *ranges); /* returns how many */
bool memory_usable(const struct memory_range *ranges, unsigned count, uint32_t from, uint32_t to);
/* Copies to any address below 4 GB; len is even and at most 64 KB. */
bool memory_put(uint32_t to, const void *from, unsigned len);
/* Address line 20, which the BIOS may have masked. */
bool memory_all_lines(void);

#endif
