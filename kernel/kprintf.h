/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages and the end of all things. Everything here may be called in any context, with any lock
 * held except the console's own. Formats are those of newlib's printf without floating point.
 */
#ifndef KERNEL_KPRINTF_H
#define KERNEL_KPRINTF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trapframe;

/* Prints to the serial line and the screen; at most 511 bytes of a message are kept. */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kvprintf(const char *fmt, va_list ap);

/* Prints why, the registers, a backtrace and the last trace entries; stops all CPUs. */
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The same for a trap that nobody can handle: tf holds the registers to show. */
void panic_trap(struct trapframe *tf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

#define KASSERT(expr)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(expr), 0))                                                  \
			panic("assertion failed: %s (%s:%d)", #expr, __FILE__, __LINE__);          \
	} while (0)

/*
 * Notes a line (at most 95 bytes) in a ring that is printed on panic. Cheap enough for every
 * message and every retreat, not for every page fault.
 */
void trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints the last max trace entries, oldest first. */
void trace_dump(unsigned max);

/* Prints the return addresses found from frame pointer rbp on, with their symbols. */
void backtrace_print(uint64_t rip, uint64_t rbp);

/* Powers off the emulator (isa-debug-exit), resets, or halts, as panic= says. */
void machine_stop(void) __attribute__((noreturn));

#endif
