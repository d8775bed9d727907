/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start-up of CPUs: what kernel/main.c and smp.c call. Nobody else needs this.
 */
#ifndef KERNEL_CPU_CPU_H
#define KERNEL_CPU_CPU_H

#include <stdint.h>

struct boot_info;
struct percpu;

/* Makes this_cpu() work on the boot CPU; the very first step of all. */
void percpu_init_boot(void);
void percpu_load(struct percpu *pc);
void percpu_online(struct percpu *pc);

/* Gives pc its tables; 0 or -ENOMEM. The boot CPU's are static: safe before memory exists. */
int gdt_prepare(struct percpu *pc);

/* Loads GDT and TSS of this CPU. */
void gdt_load(void);

/* Where interrupts from user mode start their stack. */
void gdt_set_kernel_stack(uint64_t top);

/*
 * The one code path for every CPU: tables, control registers, MSRs, FPU. Interrupts stay off.
 * On the boot CPU after cpu_features_init() and fpu_init().
 */
void cpu_init(void);

/* Turns the SMAP sites of the kernel image into STAC and CLAC when the CPU has SMAP. Once, before
 * kmap_init() makes the text read-only. */
void smap_patch_sites(void);

/* Starts all other CPUs that ACPI names; returns when each is online or has been given up. */
void smp_init(const struct boot_info *bi, uint64_t boot_cr3);

#endif
