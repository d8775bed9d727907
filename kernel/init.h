/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What main.c starts last, in thread context with everything of the core up. Each has a weak empty
 * default in init.c, so that the kernel links and boots without that part.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

void drivers_init(void); /* finds the hardware: PCI, network cards */
void net_init(void);	 /* starts the network thread: lwIP, DHCP, announcements */
void guest_init(void);	 /* accepts homes' sessions */
void screen_init(void);	 /* status and menu, where somebody can look */

/* kernel/selftest.c, with CONFIG_SELFTEST: prints `selftest: N passed, N failed`. */
void selftest_run(void);

#endif
