/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the agent's pages into a stub and takes them out again: see agent.h. */
#include "userland/deputy/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "userland/deputy/deputy.h"
#include "userland/deputy/image_batch.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"

#define AGENT_BASE  0x500000000000u /* far from where Linux puts programs, libraries and stacks */
#define AGENT_STEP  0x020000000000u
#define AGENT_TRIES 16
#define SEARCH_MAX  (1u << 20) /* bytes of one mapping searched for a syscall instruction */

static const uint8_t code[] = { 0x0f, 0x05, 0xcc }; /* syscall; int3 */

/* A slot outlives its thread, with what is mapped in it. */
struct agent_slot {
	uint64_t size;		/* bytes mapped */
	bool used;
};

_Static_assert(AGENT_SPAN < AGENT_STEP, "room for all slots");

uint64_t agent_gadget(const struct stub *stub)
{
	return stub->process->agent.base;
}

uint64_t agent_trap(const struct stub *stub)
{
	return stub->process->agent.base + sizeof(code);
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

static bool is_free(const struct maps *maps, uint64_t base)
{
	for (size_t i = 0; i < maps->n; i++)
		if (maps->v[i].start < base + AGENT_SPAN && maps->v[i].end > base)
			return false;
	return true;
}

/* Maps the page of code where nothing is. Returns its address or a negative errno. */
static long map_code(struct stub *stub, uint64_t gadget)
{
	uint64_t base = AGENT_BASE;
	long addr = -EEXIST;
	struct maps maps;
	int err = maps_read(&maps, stub->pid, false);

	if (err)
		return err;
	for (int i = 0; i < AGENT_TRIES && addr == -EEXIST; i++, base += AGENT_STEP) {
		const uint64_t args[6] = { base,
					   WIRE_PAGE_SIZE,
					   PROT_READ | PROT_EXEC,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
					   (uint64_t)-1,
					   0 };

		if (is_free(&maps, base))
			addr = inject_call_at(stub, gadget, SYS_mmap, args);
	}
	maps_free(&maps);
	return addr;
}

int agent_map(struct stub *stub, struct wire_text *why)
{
	struct process *process = stub->process;
	uint64_t gadget;
	long addr;
	int err;

	if (process->agent.base)
		return 0;
	gadget = find_syscall(stub);
	if (!gadget) {
		wire_text_set(why, WHY_STATE,
			      stub->dead
				      ? "it has ended"
				      : "its code holds no system call instruction to work with");
		return -ENOEXEC;
	}
	addr = map_code(stub, gadget);
	if (addr < 0) {
		wire_text_set(why, WHY_MEMORY, "no room for our pages in its address space: %s",
			      strerror((int)-addr));
		return (int)addr;
	}
	process->agent.base = (uint64_t)addr;
	err = stub_write(stub, process->agent.base, code, sizeof(code));
	if (!err)
		err = stub_batch_init(stub);
	if (!err) {
		addr = agent_scratch(stub, WIRE_PAGE_SIZE);
		err = addr < 0 ? (int)addr : 0;
	}
	if (err) {
		wire_text_set(why, WHY_MEMORY, "our pages in its address space: %s",
			      strerror(-err));
		agent_unmap(process);
	}
	return err;
}

/* Gives the thread a slot: one that another has left, or a new one. */
static int slot_get(struct stub *stub)
{
	struct agent *agent = &stub->process->agent;
	struct agent_slot *v;
	int i = 0;

	while (i < agent->nslots && agent->slots[i].used)
		i++;
	if (i == agent->nslots) {
		if (i == AGENT_SLOTS)
			return -ENOMEM;
		v = realloc(agent->slots, (size_t)(i + 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		v[i].size = 0;
		agent->slots = v;
		agent->nslots++;
	}
	agent->slots[i].used = true;
	stub->slot = i;
	return 0;
}

uint64_t agent_scratch_bytes(const struct process *process)
{
	uint64_t bytes = 0;

	for (int i = 0; i < process->agent.nslots; i++)
		bytes += process->agent.slots[i].size;
	return bytes;
}

void agent_slot_free(struct stub *stub)
{
	if (stub->slot >= 0)
		stub->process->agent.slots[stub->slot].used = false;
	stub->slot = -1;
}

int64_t agent_scratch(struct stub *stub, size_t size)
{
	/* The first thread's is made for anything; thousands of others want little. */
	size_t want = stub->slot > 0 ? 16 * 1024 : 256 * 1024;
	struct agent_slot *slot;
	uint64_t base;
	long addr;

	if (!stub->process->agent.base)
		return -EFAULT;
	if (stub->slot < 0 && slot_get(stub))
		return -ENOMEM;
	slot = &stub->process->agent.slots[stub->slot];
	base = stub->process->agent.base + AGENT_SCRATCH + (uint64_t)stub->slot * AGENT_STRIDE;
	if (size <= slot->size)
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
	slot->size = want;
	return (int64_t)base;
}

int agent_unmap(struct process *process)
{
	struct stub *stub = process_stub(process);
	uint64_t gadget, base = process->agent.base;
	long err = 0;

	if (!base || !stub)
		return 0;
	/* Not standing on the page that goes. Without another instruction our pages stay: unseen. */
	gadget = find_syscall(stub);
	if (gadget && gadget != base) {
		const uint64_t args[6] = { base, AGENT_SPAN };

		err = inject_call_at(stub, gadget, SYS_munmap, args);
		if (!err)
			agent_gone(process);
	}
	return (int)err;
}

void agent_inherit(struct stub *child, const struct stub *parent)
{
	const struct agent *from = &parent->process->agent;
	struct agent *to = &child->process->agent;

	agent_gone(child->process);
	to->slots = calloc((size_t)from->nslots + 1, sizeof(*to->slots));
	if (!to->slots)
		deputy_fatal("out of memory");
	to->base = from->base;
	to->nslots = from->nslots;
	for (int i = 0; i < to->nslots; i++)
		to->slots[i].size = from->slots[i].size;
	child->slot = parent->slot;
	if (child->slot >= 0)
		to->slots[child->slot].used = true;
}

void agent_gone(struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		stub->slot = -1;
	free(process->agent.slots);
	memset(&process->agent, 0, sizeof(process->agent));
}

bool agent_touched(const struct process *process, uint64_t start, uint64_t end)
{
	uint64_t base = process->agent.base;

	return base && start < base + AGENT_SPAN && end > base;
}
