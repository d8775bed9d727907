/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding instructions in a mapped ld.so. Their bytes are searched for, and each find is believed only
 * if disassembly that begins well before it, at several places, arrives at it: x86 code read
 * from a wrong place falls into step after a few instructions. The finds are kept for each ld.so.
 */
#include <capstone/capstone.h>
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "userland/deputy/baseline_int.h"
#include "userland/deputy/i386.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"

#define TEXT_MAX	(4u << 20)
#define RUN_UP		96u	/* bytes before a find at which disassembly begins */
#define RUN_UPS		3u	/* so many places, one byte apart */

/* What is known of one ld.so: offsets into its executable mapping. */
struct known {
	struct known *next;
	uint64_t ino, offset, len;
	uint32_t major, minor;
	struct ldso places;
};

static struct known *all;

static bool arrives(csh cs, cs_insn *insn, const uint8_t *text, uint64_t len, uint64_t at,
		    unsigned id)
{
	for (unsigned i = 0; i < RUN_UPS; i++) {
		uint64_t start = at > RUN_UP + i ? at - RUN_UP - i : 0, addr = start;
		const uint8_t *p = text + start;
		size_t left = len - start;

		while (addr < at && cs_disasm_iter(cs, &p, &left, &addr, insn))
			;
		if (addr != at || !cs_disasm_iter(cs, &p, &left, &addr, insn) || insn->id != id)
			return false;
	}
	return true;
}

/* The trampolines must all use the same variable: then it is the size of the save area. */
static bool same_variable(const uint8_t *text, const struct ldso *places, uint64_t at)
{
	int32_t rel, first;

	if (!places->ntramp)
		return true;
	memcpy(&rel, text + at + 3, 4);
	memcpy(&first, text + places->tramp[0] + 3, 4);
	return at + (uint64_t)(int64_t)rel == places->tramp[0] + (uint64_t)(int64_t)first;
}

static bool search(const uint8_t *text, uint64_t len, bool i386, struct ldso *places)
{
	csh cs;
	cs_insn *insn;
	bool ok = true;

	if (cs_open(CS_ARCH_X86, i386 ? CS_MODE_32 : CS_MODE_64, &cs) != CS_ERR_OK)
		return false;
	cs_option(cs, CS_OPT_SKIPDATA, CS_OPT_ON);
	insn = cs_malloc(cs);
	for (uint64_t i = 0; ok && i + TRAMP_LEN <= len; i++) {
		if (text[i] == 0x0f && text[i + 1] == 0xa2 &&
		    arrives(cs, insn, text, len, i, X86_INS_CPUID)) {
			ok = places->ncpuid < LDSO_PLACES_MAX;
			if (ok)
				places->cpuid[places->ncpuid++] = i;
		}
		/* That of 32-bit programs saves no extended state. */
		if (!i386 && text[i] == 0x48 && text[i + 1] == 0x2b && text[i + 2] == 0x25 &&
		    arrives(cs, insn, text, len, i, X86_INS_SUB)) {
			ok = places->ntramp < LDSO_PLACES_MAX && same_variable(text, places, i);
			if (ok)
				places->tramp[places->ntramp++] = i;
		}
	}
	cs_free(insn, 1);
	cs_close(&cs);
	return ok;
}

static const struct known *look_up(struct stub *stub, const struct map *map, bool i386)
{
	uint64_t len = map->end - map->start;
	struct known *k;
	uint8_t *text;

	for (k = all; k; k = k->next)
		if (k->ino == map->ino && k->major == map->major && k->minor == map->minor &&
		    k->offset == map->offset && k->len == len)
			return k;
	text = len <= TEXT_MAX ? malloc(len) : NULL;
	k = text ? calloc(1, sizeof(*k)) : NULL;
	if (!k || stub_read(stub, map->start, text, len)) {
		free(text);
		free(k);
		return NULL;
	}
	k->ino = map->ino;
	k->major = map->major;
	k->minor = map->minor;
	k->offset = map->offset;
	k->len = len;
	/* Whatever is in doubt: nothing of it is touched. */
	if (!search(text, len, i386, &k->places))
		memset(&k->places, 0, sizeof(k->places));
	free(text);
	k->next = all;
	all = k;
	return k;
}

/* AT_BASE: where the program's interpreter was mapped. 0: none. */
static uint64_t interpreter(struct stub *stub, bool i386)
{
	size_t len, word = i386 ? 4 : 8;
	char path[40], *auxv;
	uint64_t base = 0;

	snprintf(path, sizeof(path), "/proc/%d/auxv", stub->pid);
	auxv = proc_read(path, &len);
	if (!auxv)
		return 0;
	for (size_t i = 0; i + 2 * word <= len; i += 2 * word) {
		uint64_t key = 0, value = 0;

		memcpy(&key, auxv + i, word);
		memcpy(&value, auxv + i + word, word);
		if (key == AT_BASE)
			base = value;
	}
	free(auxv);
	return base;
}

int ldso_find(struct stub *stub, struct ldso *ldso)
{
	struct user_regs_struct regs;
	bool i386 = !stub_get_regs(stub, &regs) && regs.cs == CS_32;
	uint64_t base = interpreter(stub, i386);
	const struct known *k = NULL;
	const struct map *first;
	struct maps maps;

	memset(ldso, 0, sizeof(*ldso));
	if (!base || maps_read(&maps, stub->pid, false))
		return -ENOENT;
	first = maps_at(&maps, base);
	for (const struct map *map = first; map && map < maps.v + maps.n && !k; map++) {
		if (map->ino != first->ino || map->major != first->major ||
		    map->minor != first->minor)
			break;
		if (!(map->prot & PROT_EXEC))
			continue;
		k = look_up(stub, map, i386);
		if (!k)
			break;
		*ldso = k->places;
		ldso->text = map->start;
		ldso->text_len = map->end - map->start;
		for (unsigned i = 0; i < ldso->ncpuid; i++)
			ldso->cpuid[i] += map->start;
		for (unsigned i = 0; i < ldso->ntramp; i++)
			ldso->tramp[i] += map->start;
	}
	maps_free(&maps);
	return k ? 0 : -ENOENT;
}
