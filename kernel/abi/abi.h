/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of guests. Private to kernel/abi/.
 *
 * dispatch.c finds who serves a call; forward.c carries it home as proto/syscalls.def describes;
 * the other files serve what the table calls LOCAL or SPLIT, one file per family.
 */
#ifndef KERNEL_ABI_ABI_H
#define KERNEL_ABI_ABI_H

#include <stdint.h>

#include "kernel/cpu/trap.h"
#include "kernel/proc/proc.h"
#include "proto/syscalls.h"
#include "proto/wire.h"

/*
 * Serves a call: returns what goes to rax, one of the restart codes, or RETREATED. Runs in the
 * caller's thread and may sleep. tf is for those that need more than the arguments.
 */
typedef long sys_fn(struct trapframe *tf, const uint64_t args[6]);

/* forward.c: executes the call at home, as its row in the table says. */
long forward(uint64_t nr, const uint64_t args[6]);

/* The same by another description. */
long forward_as(const struct sys_desc *d, uint64_t nr, const uint64_t args[6]);
/* What a forwarded call's result means when the process has been called home meanwhile. */
long interrupted(long ret);

/* The same with plain values only, and without waiting. */
long home_call(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
	       uint64_t a5);
void home_replay(uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
		 uint64_t a5);

/*
 * memory.c: home makes this mapping, at a place that was found for it, and says what file it is; then it
 * exists here, too. flags: MAP_*. mm->map_lock is held. Its address, or -errno, why->code set: retreat.
 */
struct mm;
long map_by_home(struct mm *mm, const struct wire_mmap *map, uint32_t flags, struct wire_text *why);

/* For a call that this node does not serve in this form. */
long not_served(uint64_t nr, const char *form);

/* wait_calls.c: restart_syscall() for those. */
long wait_again(struct trapframe *tf, const struct restart_block *r);

/* signal_calls.c: sets an action, here and at home. act is made canonical. */
void change_action(int signo, struct wire_sigact *act);

/*
 * The same: a descriptor that another process gave to this one. If it is a signalfd(2) the process goes home
 * to come back, if at all, with its signals known.
 */
void look_for_signalfd(uint32_t fd);

/* The same: signals that are blocked and pending, here or at home. */
uint64_t blocked_pending(void);

/* mask.c: the signal mask that belongs to a waiting call. 0 or -errno. */
long mask_begin(uint64_t set, uint64_t size);
/* After the call: puts the old mask back unless a handler is to run under the new one. */
void mask_end(long ret);

/*
 * sys_NAME() for each call that is LOCAL or SPLIT, by family: memory.c, shm_calls.c, signal_calls.c,
 * time_calls.c, wait_calls.c, process_calls.c, fork_calls.c, exec_calls.c, file_calls.c,
 * open_calls.c, message_calls.c, ipc_calls.c, mincore.c.
 */
#define DECLARE_LOCAL(name) sys_fn sys_##name;
#define DECLARE_SPLIT(name) sys_fn sys_##name;
#define DECLARE_FORWARD(name)
#define DECLARE_RETREAT(name)
#define SYSCALL(nr, name, class, ...) DECLARE_##class(name)
#include "proto/syscalls.def"
#undef SYSCALL

/* sys32_NAME() for those of i386 that are OWN: compat_calls.c, compat_signal.c. */
#define DECLARE32_FORWARD(name)
#define DECLARE32_SAME(name)
#define DECLARE32_SAME_SPLIT(name)
#define DECLARE32_RETREAT(name)
#define DECLARE32_OWN(name) sys_fn sys32_##name;
#define DECLARE32_OWN_SPLIT(name) sys_fn sys32_##name;
#define SYSCALL32(nr, name, class, ...) DECLARE32_##class(name)
#include "proto/syscalls32.def"
#undef SYSCALL32

#endif
