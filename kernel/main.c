/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's start, told from top to bottom. Each step may rely on those above it only.
 */
#include "boot/boot_info.h"
#include "drivers/console/console.h"
#include "kernel/bios/bios.h"
#include "kernel/cpu/acpi.h"
#include "kernel/cpu/apic.h"
#include "kernel/cpu/cpu.h"
#include "kernel/cpu/features.h"
#include "kernel/cpu/fpu.h"
#include "kernel/cpu/irq.h"
#include "kernel/cpu/percpu.h"
#include "kernel/cpu/trap.h"
#include "kernel/cpu/x86.h"
#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/medium/medium.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page.h"
#include "kernel/proc/sched.h"
#include "kernel/proc/switch.h"
#include "kernel/proc/thread.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"
#include "kernel/time/wall.h"
#include "proto/version.h"

/* What needs threads, sleeping and interrupts. */
static void init_main(void *arg)
{
	(void)arg;
	kprintf("muster: node up: %d CPU%s, %lu MHz, %lu of %lu MB free, %lu ms after start\n",
		cpu_count(), cpu_count() == 1 ? "" : "s", cpu_speed_mhz(), mem_free_pages() >> 8,
		mem_total_pages() >> 8, clock_now_ns() / NSEC_PER_MSEC);
	wall_init();
#ifdef CONFIG_SELFTEST
	if (setting_get("selftest"))
		selftest_run();
#endif
	drivers_init();
	net_init();
	guest_init();
	screen_init();
}

void start_kernel(struct boot_info *bi)
{
	uint64_t boot_cr3 = read_cr3();

	/* Until traps are set up, any fault is a silent reset: get there first. */
	percpu_init_boot();
	clock_set_start(bi->entry_tsc);
	settings_init(bi->cmdline, bi->cmdline_cut);
	console_init(bi);
	gdt_prepare(this_cpu());
	trap_init();
	cpu_features_init();
	fpu_init();
	cpu_init();
	kprintf("muster " MUSTER_VERSION " starts: %s, loaded by Multiboot %u, %s\n",
		cpu_features.brand, bi->multiboot, *bi->loader ? bi->loader : "unnamed");
	settings_report();

	/* Memory: pages, then the final map, then everything can be allocated. */
	page_init(bi);
	smap_patch_sites();
	kmap_init();
	console_map();

	/* Interrupt controllers and time. */
	acpi_init(bi);
	apic_init();
	apic_init_cpu(true);
	irq_init();
	clock_init();
	timer_init_hardware();

	/* Threads: this start-up code becomes the boot CPU's idle thread. */
	sched_init();
	this_cpu()->idle_thread = idle_thread_create(0);
	if (this_cpu()->idle_thread == NULL)
		panic("no memory for the first thread");
	sched_init_cpu();
	smp_init(bi, boot_cr3);
	bios_init(bi, boot_cr3);
	medium_init(bi);
	thread_start_reaper();
	sched_start_statistics();
	if (kthread_create("init", init_main, NULL) == NULL)
		panic("no memory for the init thread");
	sched_idle();
}
