/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patching a copy of the vDSO: ELF gABI for the symbols, LSB 10.6 (.eh_frame) for the unwinding. */
#include "userland/deputy/vdso.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/maps.h"

static const struct {
	const char *name;
	uint32_t nr;
} functions[] = {
	{ "__vdso_clock_gettime", SYS_clock_gettime },
	{ "__vdso_clock_getres", SYS_clock_getres },
	{ "__vdso_gettimeofday", SYS_gettimeofday },
	{ "__vdso_time", SYS_time },
	{ "__vdso_getcpu", SYS_getcpu },
	{ "__vdso_getrandom", SYS_getrandom },
};

/* The vDSO under work: its load address is 0, so virtual addresses are offsets into it. */
struct image {
	uint8_t *p;
	size_t size;
};

/* NULL if it is not inside, or not aligned as what lies there should be. */
static void *at(const struct image *img, uint64_t off, size_t len, size_t align)
{
	return off % align == 0 && off <= img->size && len <= img->size - off ? img->p + off : NULL;
}

struct dynamic {
	uint64_t symtab, strtab, hash, gnu_hash;
};

static bool read_dynamic(const struct image *img, struct dynamic *dyn, uint64_t *eh_hdr)
{
	const Elf64_Ehdr *eh = at(img, 0, sizeof(*eh), 8);
	uint64_t off = 0, len = 0;

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_machine != EM_X86_64 || eh->e_phentsize != sizeof(Elf64_Phdr))
		return false;
	*eh_hdr = 0;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		const Elf64_Phdr *ph = at(img, eh->e_phoff + i * sizeof(*ph), sizeof(*ph), 8);

		if (!ph)
			return false;
		if (ph->p_type == PT_DYNAMIC) {
			off = ph->p_offset;
			len = ph->p_filesz;
		} else if (ph->p_type == PT_GNU_EH_FRAME) {
			*eh_hdr = ph->p_offset;
		}
	}
	memset(dyn, 0, sizeof(*dyn));
	for (; len >= sizeof(Elf64_Dyn); off += sizeof(Elf64_Dyn), len -= sizeof(Elf64_Dyn)) {
		const Elf64_Dyn *d = at(img, off, sizeof(*d), 8);

		if (!d)
			return false;
		switch (d->d_tag) {
		case DT_SYMTAB:
			dyn->symtab = d->d_un.d_ptr;
			break;
		case DT_STRTAB:
			dyn->strtab = d->d_un.d_ptr;
			break;
		case DT_HASH:
			dyn->hash = d->d_un.d_ptr;
			break;
		case DT_GNU_HASH:
			dyn->gnu_hash = d->d_un.d_ptr;
			break;
		}
	}
	return dyn->symtab && dyn->strtab;
}

/* How many symbols there are is told only by a hash table: the classic one says it outright. */
static uint32_t count_symbols(const struct image *img, const struct dynamic *dyn)
{
	const uint32_t *h, *buckets, *chain;
	uint32_t last = 0;

	if (dyn->hash) {
		h = at(img, dyn->hash, 8, 4);
		return h ? h[1] : 0;
	}
	h = dyn->gnu_hash ? at(img, dyn->gnu_hash, 16, 4) : NULL;
	if (!h)
		return 0;
	buckets = at(img, dyn->gnu_hash + 16 + (uint64_t)h[2] * 8, (size_t)h[0] * 4, 4);
	if (!buckets)
		return 0;
	for (uint32_t i = 0; i < h[0]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < h[1])
		return 0;
	/* A chain ends at the entry whose lowest bit is set. */
	for (;; last++) {
		chain = at(img, dyn->gnu_hash + 16 + (uint64_t)h[2] * 8 + (uint64_t)h[0] * 4 +
					(uint64_t)(last - h[1]) * 4, 4, 4);
		if (!chain)
			return 0;
		if (*chain & 1)
			return last + 1;
	}
}

/*
 * The functions' unwind rules describe the code that was there. What replaces it never moves the
 * stack pointer, which is what the CIE's initial rules say: so the FDE's own instructions become
 * DW_CFA_nop. Understands only the encoding that compilers use (zR, pcrel sdata4).
 */
static void fix_unwind(const struct image *img, uint64_t eh_hdr, uint64_t start, uint64_t len)
{
	const uint8_t *hdr = eh_hdr ? at(img, eh_hdr, 8, 1) : NULL;
	uint64_t off;
	int32_t rel;

	if (!hdr || hdr[0] != 1 || hdr[1] != 0x1b)
		return;
	memcpy(&rel, hdr + 4, 4);
	off = eh_hdr + 4 + (uint64_t)(int64_t)rel;
	for (;;) {
		const uint8_t *p = at(img, off, 8, 1), *cie;
		uint32_t size, id;
		uint64_t pc;

		if (!p)
			return;
		memcpy(&size, p, 4);
		memcpy(&id, p + 4, 4);
		if (size < 4 || !at(img, off + 4, size, 1))
			return;
		cie = id ? at(img, off + 4 - id, 32, 1) : NULL;
		if (cie && size >= 13 && !memcmp(cie + 8, "\1zR", 4) && cie[15] == 1 &&
		    cie[16] == 0x1b) {
			memcpy(&rel, p + 8, 4);
			pc = off + 8 + (uint64_t)(int64_t)rel;
			if (pc >= start && pc < start + len && p[16] == 0)
				memset((uint8_t *)p + 17, 0, size + 4 - 17);
		}
		off += 4 + (uint64_t)size;
	}
}

/* mov $nr,%eax; syscall; ret: 8 bytes, the arguments are already where the kernel wants them. */
static void put_call(uint8_t *p, uint32_t nr)
{
	*p++ = 0xb8;
	memcpy(p, &nr, 4);
	memcpy(p + 4, "\x0f\x05\xc3", 3);
}

#define CALL_SIZE 8
#define GETRANDOM_SIZE 22

/*
 * vgetrandom(buf, len, flags, state, opaque_len) answers opaque_len ~0 with the parameters of its
 * state; -ENOSYS makes the C library use the system call from then on.
 */
static void put_getrandom(uint8_t *p)
{
	const uint8_t head[] = { 0x49, 0x83, 0xf8, 0xff, 0x74, CALL_SIZE };	/* cmp $-1,%r8; je */
	const uint8_t nosys[] = { 0x48, 0xc7, 0xc0, (uint8_t)-ENOSYS, 0xff, 0xff, 0xff, 0xc3 };

	memcpy(p, head, sizeof(head));
	put_call(p + sizeof(head), SYS_getrandom);
	memcpy(p + sizeof(head) + CALL_SIZE, nosys, sizeof(nosys));
}

int vdso_patch(uint8_t *image, size_t size)
{
	struct image img = { image, size };
	struct dynamic dyn;
	uint64_t eh_hdr;
	uint32_t nsyms;
	int patched = 0;

	if (!read_dynamic(&img, &dyn, &eh_hdr))
		return -EINVAL;
	nsyms = count_symbols(&img, &dyn);
	for (uint32_t i = 0; i < nsyms; i++) {
		const Elf64_Sym *sym = at(&img, dyn.symtab + i * sizeof(*sym), sizeof(*sym), 8);
		const char *name;

		if (!sym)
			return -EINVAL;
		if (ELF64_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_value)
			continue;
		name = at(&img, dyn.strtab + sym->st_name, 1, 1);
		if (!name || !memchr(name, 0, size - (size_t)((uint8_t *)name - image)))
			return -EINVAL;
		for (size_t k = 0; k < sizeof(functions) / sizeof(functions[0]); k++) {
			bool random = functions[k].nr == SYS_getrandom;
			uint8_t *code = at(&img, sym->st_value, sym->st_size, 1);

			if (strcmp(name, functions[k].name))
				continue;
			if (!code || sym->st_size < (random ? GETRANDOM_SIZE : CALL_SIZE))
				return -EINVAL;
			if (random)
				put_getrandom(code);
			else
				put_call(code, functions[k].nr);
			fix_unwind(&img, eh_hdr, sym->st_value, sym->st_size);
			patched++;
		}
	}
	return patched ? patched : -EINVAL;
}

/* FNV-1a: enough to tell one kernel's vDSO from another's. */
static uint64_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

struct wire_file vdso_identity(uint64_t number, const uint8_t *image, size_t size)
{
	return (struct wire_file){ .ino = number, .size = size, .ctime_ns = hash(image, size) };
}

const struct vdso *vdso_get(void)
{
	static struct vdso vdso;
	static bool tried;
	const struct map *map;
	struct maps maps;

	if (tried)
		return vdso.image ? &vdso : NULL;
	tried = true;
	if (!getauxval(AT_SYSINFO_EHDR) || maps_read(&maps, getpid(), false))
		return NULL;
	map = maps_at(&maps, getauxval(AT_SYSINFO_EHDR));
	if (map) {
		vdso.size = map->end - map->start;
		vdso.image = malloc(vdso.size);
		if (vdso.image)
			memcpy(vdso.image, (const void *)map->start, vdso.size);
	}
	maps_free(&maps);
	if (vdso.image && vdso_patch(vdso.image, vdso.size) < 0) {
		free(vdso.image);
		vdso.image = NULL;
	}
	if (!vdso.image)
		return NULL;
	vdso.file = vdso_identity(1, vdso.image, vdso.size);
	return &vdso;
}
