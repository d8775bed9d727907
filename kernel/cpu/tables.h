/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's own structures (Intel SDM vol. 3A, chapters 3, 6 and 8).
 */
#ifndef KERNEL_CPU_TABLES_H
#define KERNEL_CPU_TABLES_H

#include <stdint.h>

#define TSS_SELECTOR 0x38
#define GDT_TLS 12	/* the first of three entries for guests, numbered as Linux does */
#define GDT_ENTRIES 16

#define IST_NMI 1
#define IST_DOUBLE_FAULT 2
#define IST_MACHINE_CHECK 3
#define IST_STACK_SIZE 4096

struct descriptor_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap_base;
} __attribute__((packed));

struct cpu_tables {
	uint64_t gdt[GDT_ENTRIES];
	struct tss tss;
	uint8_t nmi_stack[IST_STACK_SIZE] __attribute__((aligned(16)));
	uint8_t df_stack[IST_STACK_SIZE] __attribute__((aligned(16)));
	uint8_t mc_stack[IST_STACK_SIZE] __attribute__((aligned(16)));
};

#endif
