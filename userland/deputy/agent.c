/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the agent's pages into a stub and takes them out again: see agent.h. */
#include "userland/deputy/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"

#define AGENT_BASE  0x500000000000u /* far from where Linux puts programs, libraries and stacks */
#define AGENT_STEP  0x010000000000u
#define AGENT_TRIES 16
#define SEARCH_MAX  (1u << 20) /* bytes of one mapping searched for a syscall instruction */

static const uint8_t code[] = { 0x0f, 0x05, 0xcc }; /* syscall; int3 */

uint64_t agent_gadget(const struct stub *stub)
{
	return stub->agent.base;
}

uint64_t agent_trap(const struct stub *stub)
{
	return stub->agent.base + sizeof(code);
}

int stub_vdso(struct stub *stub, struct vdso_range *range)
{
	struct maps maps;
	const struct map *map;
	int err = maps_read(&maps, stub->pid, false);

	if (err)
		return err;
	map = maps_named(&maps, "[vdso]");
	if (map) {
		range->start = map->start;
		range->end = map->end;
	}
	maps_free(&maps);
	return map ? 0 : -ENOENT;
}

/* The address of any `syscall` instruction in this mapping, or 0. */
static uint64_t find_syscall_in(struct stub *stub, const struct map *map)
{
	size_t len = map->end - map->start > SEARCH_MAX ? SEARCH_MAX : map->end - map->start;
	uint8_t *bytes = malloc(len);
	uint64_t found = 0;
	long n;

	if (!bytes)
		return 0;
	n = stub_read_some(stub, map->start, bytes, len);
	for (long i = 0; i + 1 < n && !found; i++)
		if (bytes[i] == 0x0f && bytes[i + 1] == 0x05)
			found = map->start + (uint64_t)i;
	free(bytes);
	return found;
}

/* In the vDSO, else (a program may have unmapped it) in any code. */
static uint64_t find_syscall(struct stub *stub)
{
	struct maps maps;
	const struct map *map;
	uint64_t found = 0;

	if (maps_read(&maps, stub->pid, false))
		return 0;
	map = maps_named(&maps, "[vdso]");
	if (map)
		found = find_syscall_in(stub, map);
	for (size_t i = 0; i < maps.n && !found; i++)
		if ((maps.v[i].prot & PROT_EXEC) && !(maps.v[i].prot & PROT_WRITE))
			found = find_syscall_in(stub, &maps.v[i]);
	maps_free(&maps);
	return found;
}

int agent_map(struct stub *stub, struct wire_text *why)
{
	uint64_t gadget, base = AGENT_BASE;
	long addr = -EEXIST;
	int err;

	if (stub->agent.base)
		return 0;
	gadget = find_syscall(stub);
	if (!gadget) {
		wire_text_set(why, WHY_STATE,
			      stub->dead
				      ? "it has ended"
				      : "its code holds no system call instruction to work with");
		return -ENOEXEC;
	}
	for (int i = 0; i < AGENT_TRIES; i++, base += AGENT_STEP) {
		const uint64_t args[6] = { base,
					   WIRE_PAGE_SIZE,
					   PROT_READ | PROT_EXEC,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
					   (uint64_t)-1,
					   0 };

		addr = inject_call_at(stub, gadget, SYS_mmap, args);
		if (addr != -EEXIST)
			break;
	}
	if (addr != (long)base) {
		wire_text_set(why, WHY_MEMORY, "no room for our pages in its address space: %s",
			      strerror(addr < 0 ? (int)-addr : EEXIST));
		return addr < 0 ? (int)addr : -EEXIST;
	}
	stub->agent.base = base;
	stub->agent.scratch_size = 0;
	err = stub_write(stub, base, code, sizeof(code));
	if (!err) {
		addr = agent_scratch(stub, WIRE_PAGE_SIZE);
		err = addr < 0 ? (int)addr : 0;
	}
	if (err) {
		wire_text_set(why, WHY_MEMORY, "our pages in its address space: %s",
			      strerror(-err));
		agent_unmap(stub);
	}
	return err;
}

int64_t agent_scratch(struct stub *stub, size_t size)
{
	uint64_t base = stub->agent.base + AGENT_SCRATCH;
	size_t want = 256 * 1024;
	long addr;

	if (size <= stub->agent.scratch_size)
		return (int64_t)base;
	if (size > AGENT_SCRATCH_MAX)
		return -E2BIG;
	while (want < size)
		want *= 2;
	if (want > AGENT_SCRATCH_MAX)
		want = AGENT_SCRATCH_MAX;
	/* Over the old one: nothing in it is needed between two calls. */
	addr = inject_call(stub, SYS_mmap, base, want, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	if (addr < 0)
		return addr;
	stub->agent.scratch_size = want;
	return (int64_t)base;
}

int agent_unmap(struct stub *stub)
{
	uint64_t gadget;
	long err = 0;

	if (!stub->agent.base || stub->dead)
		return 0;
	/* Not standing on the page that goes. Without another instruction our pages stay: unseen. */
	gadget = find_syscall(stub);
	if (gadget && gadget != stub->agent.base) {
		const uint64_t args[6] = { stub->agent.base, AGENT_SPAN };

		err = inject_call_at(stub, gadget, SYS_munmap, args);
		if (!err)
			agent_gone(stub);
	}
	return (int)err;
}

void agent_inherit(struct stub *child, const struct stub *parent)
{
	child->agent = parent->agent;
}

void agent_gone(struct stub *stub)
{
	memset(&stub->agent, 0, sizeof(stub->agent));
}
