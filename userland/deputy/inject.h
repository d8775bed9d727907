/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls executed by a stopped stub on the deputy's behalf, and its memory.
 *
 * A call is made by `syscall; int3` in the agent page: one stop a call. inject_call() waits for it
 * and is for calls that cannot block (mmap, madvise, fstat of a file, ...); call.c starts those that
 * may and hears of their end in the loop. Signals that arrive meanwhile are suppressed, kept in
 * stub->held_signals, and dealt with when the stub goes on (signal.h).
 *
 * All of these need stub->stopped. Results: as Linux returned them, or -ESRCH with stub->dead set
 * when the stub was killed meanwhile.
 */
#ifndef USERLAND_DEPUTY_INJECT_H
#define USERLAND_DEPUTY_INJECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

struct stub;

long inject_call6(struct stub *stub, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		  uint64_t e, uint64_t f);
/* inject_call(stub, nr, args...): up to six arguments, the rest are 0. */
#define inject_call(stub, ...) INJECT_PAD(stub, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define INJECT_PAD(stub, nr, a, b, c, d, e, f, ...)                                                \
	inject_call6(stub, nr, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d),         \
		     (uint64_t)(e), (uint64_t)(f))

/* The same, but begun at this address of the agent's page. */
long inject_run(struct stub *stub, uint64_t rip, long nr, const uint64_t args[6]);

/*
 * Lets the thread end up to the point where it executes no more instructions of its own; there it is
 * stopped a last time, to be resumed.
 */
int inject_exit(struct stub *stub);

/* The same as inject_call() through any `syscall` instruction at that address (two stops): needs no agent. */
long inject_call_at(struct stub *stub, uint64_t gadget, long nr, const uint64_t args[6]);

/* Sets the stub up to make this call when it is resumed: what call.c starts. */
int inject_prepare(struct stub *stub, long nr, const uint64_t args[6]);

/*
 * Memory. Return 0, or a negative errno if not every byte could be had. They work on pages without
 * access rights too (by /proc/pid/mem); on file pages beyond the file's end they fail.
 */
int stub_read(struct stub *stub, uint64_t addr, void *buf, size_t len);
int stub_write(struct stub *stub, uint64_t addr, const void *buf, size_t len);
/* Reads what can be read from the start; returns bytes, or a negative errno if none. */
long stub_read_some(struct stub *stub, uint64_t addr, void *buf, size_t len);

/* Registers of a stopped stub. Return 0 or a negative errno (-ESRCH: it was killed). */
int stub_get_regs(struct stub *stub, struct user_regs_struct *regs);
int stub_set_regs(struct stub *stub, const struct user_regs_struct *regs);
int stub_get_sigmask(struct stub *stub, uint64_t *mask);
int stub_set_sigmask(struct stub *stub, uint64_t mask);

/*
 * What holds while a stub is taken apart or put together: every signal but SIGTRAP is blocked
 * (SIGTRAP blocked would be reset to its default by int3), so that none is lost or seen twice.
 */
#define SIGMASK_FROZEN (~(UINT64_C(1) << (5 - 1)))

#endif
