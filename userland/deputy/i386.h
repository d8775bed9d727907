/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs of 32-bit programs. A stub executes what is injected in 64-bit code all the same: 64-bit calls
 * by `syscall`, those of i386 (numbers with SYS_I386) by `int 0x80`, with buffers below 4 GB. Its own
 * registers and segments come back with the rest of them.
 */
#ifndef DEPUTY_I386_H
#define DEPUTY_I386_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

#include "proto/wire.h"

struct stub;

#define CS_64 0x33
#define CS_32 0x23

/* Notes in process->i386 what its program is; vdso is where its vDSO lies, empty if it has none. */
struct vdso_range;
void i386_recognise_program(struct stub *stub, const struct vdso_range *vdso);

/* Just frozen, stub->regs are its own. 0, or -ENOEXEC: its code is of another kind than its program. */
int i386_recognise(struct stub *stub);

/*
 * Is it in __kernel_vsyscall or a handler's way back? They mean the same on a node, so it may leave from
 * there; put to a place that does if it is in between.
 */
bool i386_may_leave_vdso(struct stub *stub, uint64_t vdso);

/* Which call restart_syscall(2) goes on with: see freeze.c. UINT64_MAX: cannot be told. */
uint64_t i386_restarted_call(struct stub *stub);

/* An injected call's registers. */
void i386_call_regs(struct user_regs_struct *regs, long nr, const uint64_t args[6]);

/* The i386 form of the two calls that are made without an agent, with int 0x80. */
long i386_mmap_call(long nr, uint64_t args[6]);

/* For the image: what vDSO it has; descriptors and robust list of the thread. */
void i386_image(struct stub *stub, struct wire_image *image);
void i386_collect(struct stub *stub, struct wire_thread *t);

/* The same bytes where userfaultfd(2) takes them from for a 32-bit program: below 4 GB. At most I386_LOW_MAX. */
#define I386_LOW_MAX (64u << 10)
const uint8_t *i386_low_copy(const uint8_t *data, size_t len);

/* The thread has left: what ends with it, ends at the node. */
void i386_leave(struct stub *stub);

/* The thread comes home: its segments, into regs; its robust list. */
void i386_return(struct stub *stub, const struct wire_thread *t, struct user_regs_struct *regs);

#endif
