/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structs in user memory as the program that makes the current call lays them out: those of x86-64,
 * or of i386 when the call was made by int 0x80 (current_user->i386). Inside the kernel there is one
 * form of each, that of x86-64. All return 0 or -EFAULT.
 */
#ifndef KERNEL_ABI_LAYOUT_H
#define KERNEL_ABI_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/proc/sigframe.h"
#include "kernel/proc/sigqueue.h"
#include "proto/wire.h"

/* Bytes of a pointer or a long. */
unsigned user_long_size(void);
/* A pointer, size_t or unsigned long. */
int get_user_long(uint64_t *v, uint64_t addr);
int put_user_long(uint64_t addr, uint64_t v);

/* struct timespec: seconds and nanoseconds. Of 32 bits each when current_user->time32. */
int get_user_timespec(int64_t ts[2], uint64_t addr);
int put_user_timespec(uint64_t addr, const int64_t ts[2]);

/* n values of type long, as in struct timeval, rusage, tms and rlimit. */
int get_user_longs(int64_t *v, unsigned n, uint64_t addr);
int put_user_longs(uint64_t addr, const int64_t *v, unsigned n);

int get_user_siginfo(struct siginfo *info, uint64_t addr);
int put_user_siginfo(uint64_t addr, const struct siginfo *info);
/* siginfo_t of i386; pure. */
void siginfo_to_i386(uint8_t out[128], const struct siginfo *info);
void siginfo_from_i386(struct siginfo *info, const uint8_t in[128]);

int get_user_stack(struct sig_stack *s, uint64_t addr);
int put_user_stack(uint64_t addr, const struct sig_stack *s);

/* The struct sigaction of rt_sigaction(2). */
int get_user_sigaction(struct wire_sigact *act, uint64_t addr);
int put_user_sigaction(uint64_t addr, const struct wire_sigact *act);

#define SIGACTION32_SIZE 20
void sigaction_to_i386(uint8_t out[SIGACTION32_SIZE], const struct wire_sigact *act);

#endif
