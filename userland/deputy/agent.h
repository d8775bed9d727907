/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: pages of ours inside a process. One page of code (`syscall; int3`) and, beyond a gap,
 * for each thread a slot with the scratch area where buffers of injected calls are put. It is there
 * only while the process is away or on its way; the address space at home looks as before once it
 * has come back.
 *
 *	base					code, one page, read and execute
 *	base + AGENT_SCRATCH + n * AGENT_STRIDE	scratch of slot n, read and write, as large as needed
 *	base + AGENT_SPAN			end of what the node must keep free (WVMA_RESERVED)
 */
#ifndef USERLAND_DEPUTY_AGENT_H
#define USERLAND_DEPUTY_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

struct process;
struct stub;
struct wire_text;

#define AGENT_SCRATCH		0x10000u
#define AGENT_SCRATCH_MAX	(2u * WIRE_CALL_MAX + 0x100000u)
#define AGENT_STRIDE		(AGENT_SCRATCH_MAX + 0x10000u)
#define AGENT_SLOTS		30000	/* threads: 1 TB of addresses, of which few are used */
#define AGENT_SPAN		(AGENT_SCRATCH + (uint64_t)AGENT_SLOTS * AGENT_STRIDE)

/* Maps it. The stub is stopped, stub->regs valid. 0, or a negative errno with *why set. */
int agent_map(struct stub *stub, struct wire_text *why);
/* Removes it (by the vDSO's syscall instruction). Harmless if there is none. */
int agent_unmap(struct process *process);
/* A fork's child has its parent process's, the slot of its only thread too; execve has removed it. */
void agent_inherit(struct stub *child, const struct stub *parent);
void agent_gone(struct process *process);
/* The thread has ended: its slot is another's. */
void agent_slot_free(struct stub *stub);
/* Does anything from start to end belong to it? */
bool agent_touched(const struct process *process, uint64_t start, uint64_t end);

uint64_t agent_gadget(const struct stub *stub);	/* `syscall; int3` */
uint64_t agent_trap(const struct stub *stub);	/* rip after the int3 has been executed */
/* Makes the thread's scratch area at least that large. Returns its address, or a negative errno. */
int64_t agent_scratch(struct stub *stub, size_t size);

/* Bounds of the stub's vDSO; false if it has none. */
struct vdso_range {
	uint64_t start, end;
};
int stub_vdso(struct stub *stub, struct vdso_range *range);

/* Bytes of its scratch areas that are mapped. */
uint64_t agent_scratch_bytes(const struct process *process);

#endif
