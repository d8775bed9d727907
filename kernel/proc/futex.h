/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * futex(2). A waiter is found by address space and address, or by its place in shared memory.
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

struct mm;

/* The system call: a value, -errno, one of the restart codes, or RETREATED. */
long futex_call(const uint64_t args[6]);

/* Goes on with an interrupted wait (restart_syscall). shared: not FUTEX_PRIVATE. */
long futex_wait_on(uint64_t addr, bool shared, uint32_t val, uint32_t bitset, uint64_t deadline_ns);

/* Wakes up to n threads that wait at the address. Returns how many. */
long futex_wake_address(struct mm *mm, uint64_t addr, int n);

#endif
