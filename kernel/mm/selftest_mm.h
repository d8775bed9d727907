/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of address spaces inside the booted kernel, for kernel/selftest.c (CONFIG_SELFTEST). */
#ifndef KERNEL_MM_SELFTEST_MM_H
#define KERNEL_MM_SELFTEST_MM_H

/* Runs them all, from a kernel thread; prints each failure and returns how many there were. */
unsigned mm_selftest(void);

#endif
