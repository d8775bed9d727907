/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * futex(2). A waiter is found by address space and address, or by its place in shared memory.
 */
#ifndef KERNEL_PROC_FUTEX_H
#define KERNEL_PROC_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

struct mm;
struct uthread;

/* The system call: a value, -errno, one of the restart codes, or RETREATED. */
long futex_call(const uint64_t args[6]);

/* Goes on with an interrupted wait (restart_syscall). shared: not FUTEX_PRIVATE. */
long futex_wait_on(uint64_t addr, bool shared, uint32_t val, uint32_t bitset, uint64_t deadline_ns);

/*
 * The current thread is about to end alone: the robust mutexes that it holds (set_robust_list(2)) are
 * marked, and one of those who wait for each is woken; the word that set_tid_address(2) named is made
 * ready to be written. False: this could not be done here, the process goes home.
 */
bool futex_exit_prepare(struct uthread *u);

/*
 * The current thread ends with its process: robust mutexes in memory that other processes share are given
 * up, as far as the memory is here.
 */
void futex_die(struct uthread *u);

/* Wakes up to n threads that wait at the address. Returns how many. */
long futex_wake_address(struct mm *mm, uint64_t addr, int n);

#endif
