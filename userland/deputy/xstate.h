/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended processor state (x87, SSE, AVX, ...) between this machine and the wire.
 *
 * The "standard format" of XSAVE (Intel SDM vol. 1, ch. 13) fixes the place of x87, SSE and AVX;
 * those of the other components are each CPU's own: AMD puts AVX-512 where Intel has MPX. On the wire
 * Intel's places are used. All functions are pure but for CPUID.
 */
#ifndef DEPUTY_XSTATE_H
#define DEPUTY_XSTATE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/wire.h"

/* Where each component lies in a standard-format area; size 0: not there. */
struct xlayout {
	uint64_t features;	/* XCR0 */
	uint32_t size;		/* bytes in all */
	struct {
		uint32_t offset, size;
	} part[64];
};

extern const struct xlayout xlayout_wire;	/* what travels */
const struct xlayout *xlayout_home(void);	/* this CPU with all that its kernel enabled */

/*
 * Makes of an area of this machine, as PTRACE_GETREGSET gives it (NT_X86_XSTATE), one for a node
 * with that XCR0. Components in their initial state are left out. Returns the bytes written to out
 * (room for WIRE_XSTATE_MAX), or a negative errno with *why set when a component is in use that the
 * node has not.
 */
int xstate_to_wire(const struct xlayout *home, const void *area, size_t len, uint64_t node_xcr0,
		   void *out, struct wire_text *why);

/*
 * The reverse. `area` (len bytes, as ptrace gave it for this thread) is overwritten by the wire's,
 * but for components that never travel (PKRU), which stay. Returns NULL, or what is wrong with the
 * wire's; then area is unchanged.
 */
const char *xstate_from_wire(const struct xlayout *home, const void *wire, size_t wire_len,
			     void *area, size_t len);

/*
 * What glibc's lazy-binding trampoline needs on this machine: its save area for the components in
 * STATE_SAVE_MASK, in the standard format, with its register save area, in multiples of 64 bytes.
 */
uint32_t xstate_trampoline_size(const struct xlayout *home);

#endif
