/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The medium that the node was started from. */
#ifndef KERNEL_MEDIUM_MEDIUM_H
#define KERNEL_MEDIUM_MEDIUM_H

struct boot_info;

/* Notes which it is; once, after bios_init(). Writing to it is settings_save(). */
void medium_init(const struct boot_info *bi);

#endif
