/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patching a copy of the 32-bit vDSO: ELF gABI for the symbols. */
#include "userland/deputy/vdso32.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/stub.h"

#define VDSO_MAX (1u << 20)

/* Functions with a system call behind them, at most two of whose arguments matter: i386's numbers. */
static const struct {
	const char *name;
	uint32_t nr;
} functions[] = {
	{ "__vdso_clock_gettime", 265 },   { "__vdso_clock_gettime64", 403 },
	{ "__vdso_clock_getres", 266 },	   { "__vdso_clock_getres_time64", 406 },
	{ "__vdso_gettimeofday", 78 },	   { "__vdso_time", 13 },
	{ "__vdso_getcpu", 318 },
};

/*
 * mov %ebx,%edx; mov 4(%esp),%ebx; mov 8(%esp),%ecx; mov $nr,%eax; int $0x80; mov %edx,%ebx; ret
 * The node's kernel knows these bytes (kernel/proc/vdso.c).
 */
static const uint8_t call[] = { 0x89, 0xda, 0x8b, 0x5c, 0x24, 4,    0x8b, 0x4c, 0x24, 8,
				0xb8, 0,    0,	  0,	0,    0xcd, 0x80, 0x89, 0xd3, 0xc3 };
#define NR_AT 11

static const uint8_t by_sysenter[] = { 0x89, 0xe5, 0x0f, 0x34 }; /* mov %esp,%ebp; sysenter */
static const uint8_t by_syscall[] = { 0x89, 0xcd, 0x0f, 0x05 };	 /* mov %ecx,%ebp; syscall */
static const uint8_t nothing[] = { 0x0f, 0x1f, 0x40, 0x00 };	 /* one instruction, as a mov is */

struct image {
	uint8_t *p;
	size_t size;
};

static void *at(const struct image *img, uint64_t off, size_t len, size_t align)
{
	return off % align == 0 && off <= img->size && len <= img->size - off ? img->p + off : NULL;
}

static const Elf32_Phdr *find_dynamic(const struct image *img)
{
	const Elf32_Ehdr *eh = at(img, 0, sizeof(*eh), 4);

	if (!eh || memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS32 ||
	    eh->e_machine != EM_386 || eh->e_phentsize != sizeof(Elf32_Phdr))
		return NULL;
	for (unsigned i = 0; i < eh->e_phnum; i++) {
		const Elf32_Phdr *ph =
			at(img, (uint64_t)eh->e_phoff + i * sizeof(*ph), sizeof(*ph), 4);

		if (ph && ph->p_type == PT_DYNAMIC)
			return ph;
	}
	return NULL;
}

struct tables {
	uint32_t symtab, strtab, hash, gnu_hash;
};

static bool read_dynamic(const struct image *img, struct tables *t)
{
	const Elf32_Phdr *ph = find_dynamic(img);

	memset(t, 0, sizeof(*t));
	for (uint32_t off = 0; ph && off + sizeof(Elf32_Dyn) <= ph->p_filesz; off += sizeof(Elf32_Dyn)) {
		const Elf32_Dyn *d = at(img, (uint64_t)ph->p_offset + off, sizeof(*d), 4);

		if (!d)
			return false;
		if (d->d_tag == DT_SYMTAB)
			t->symtab = d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			t->strtab = d->d_un.d_ptr;
		else if (d->d_tag == DT_HASH)
			t->hash = d->d_un.d_ptr;
		else if (d->d_tag == DT_GNU_HASH)
			t->gnu_hash = d->d_un.d_ptr;
	}
	return t->symtab && t->strtab;
}

/* As in vdso.c; the words of a GNU hash's filter are 4 bytes here. */
static uint32_t count_symbols(const struct image *img, const struct tables *t)
{
	const uint32_t *h = at(img, t->hash, 8, 4), *buckets, *chain;
	uint64_t chains;
	uint32_t last = 0;

	if (t->hash)
		return h ? h[1] : 0;
	h = t->gnu_hash ? at(img, t->gnu_hash, 16, 4) : NULL;
	if (!h)
		return 0;
	buckets = at(img, t->gnu_hash + 16 + (uint64_t)h[2] * 4, (size_t)h[0] * 4, 4);
	if (!buckets)
		return 0;
	for (uint32_t i = 0; i < h[0]; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < h[1])
		return 0;
	chains = t->gnu_hash + 16 + (uint64_t)h[2] * 4 + (uint64_t)h[0] * 4;
	for (;; last++) {
		chain = at(img, chains + (uint64_t)(last - h[1]) * 4, 4, 4);
		if (!chain)
			return 0;
		if (*chain & 1)
			return last + 1;
	}
}

/* push %ecx; push %edx; push %ebp; a faster way; int $0x80; ... */
static int patch_vsyscall(const struct image *img, const Elf32_Sym *sym, struct vdso32 *out)
{
	uint8_t *p = at(img, sym->st_value, sym->st_size, 1);

	if (!p || sym->st_size < 9 || memcmp(p, "\x51\x52\x55", 3))
		return -EINVAL;
	out->vsyscall = sym->st_value;
	out->vsyscall_end = sym->st_value + sym->st_size;
	out->landing = sym->st_value + 5;
	if (!memcmp(p + 3, by_sysenter, 4) || !memcmp(p + 3, by_syscall, 4)) {
		out->fast = sym->st_value + 3;
		out->landing += 4;
		memcpy(p + 3, nothing, sizeof(nothing));
	}
	return memcmp(p + (out->landing - sym->st_value) - 2, "\xcd\x80", 2) ? -EINVAL : 0;
}

static int patch_symbol(const struct image *img, const Elf32_Sym *sym, const char *name,
			struct vdso32 *out)
{
	uint8_t *code = at(img, sym->st_value, sym->st_size, 1);

	if (!strcmp(name, "__kernel_sigreturn"))
		out->sigreturn = sym->st_value;
	else if (!strcmp(name, "__kernel_rt_sigreturn"))
		out->rt_sigreturn = sym->st_value;
	else if (!strcmp(name, "__kernel_vsyscall"))
		return patch_vsyscall(img, sym, out);
	for (size_t k = 0; k < sizeof(functions) / sizeof(functions[0]); k++) {
		if (strcmp(name, functions[k].name))
			continue;
		if (!code || sym->st_size < sizeof(call))
			return -EINVAL;
		memcpy(code, call, sizeof(call));
		memcpy(code + NR_AT, &functions[k].nr, 4);
		return 1;
	}
	return 0;
}

int vdso32_patch(uint8_t *image, size_t size, struct vdso32 *out)
{
	struct image img = { image, size };
	struct tables t;
	int patched = 0;
	uint32_t n;

	if (!read_dynamic(&img, &t))
		return -EINVAL;
	n = count_symbols(&img, &t);
	for (uint32_t i = 0; i < n; i++) {
		const Elf32_Sym *sym = at(&img, t.symtab + (uint64_t)i * sizeof(*sym), sizeof(*sym), 4);
		const char *name;
		int err;

		if (!sym)
			return -EINVAL;
		if (ELF32_ST_TYPE(sym->st_info) != STT_FUNC || !sym->st_value)
			continue;
		name = at(&img, (uint64_t)t.strtab + sym->st_name, 1, 1);
		if (!name || !memchr(name, 0, size - (size_t)((uint8_t *)name - image)))
			return -EINVAL;
		err = patch_symbol(&img, sym, name, out);
		if (err < 0)
			return err;
		patched += err;
	}
	return out->landing ? patched : -EINVAL;
}

static bool make(struct stub *stub, struct vdso32 *v)
{
	struct vdso_range range;

	if (stub_vdso(stub, &range) || range.end - range.start > VDSO_MAX)
		return false;
	v->vdso.size = range.end - range.start;
	v->vdso.image = malloc(v->vdso.size);
	if (v->vdso.image && !stub_read(stub, range.start, v->vdso.image, v->vdso.size) &&
	    vdso32_patch(v->vdso.image, v->vdso.size, v) >= 0)
		return true;
	free(v->vdso.image);
	v->vdso.image = NULL;
	return false;
}

const struct vdso32 *vdso32_get(struct stub *stub)
{
	static struct vdso32 vdso;
	static bool tried;

	if (!tried && make(stub, &vdso))
		vdso.vdso.file = vdso_identity(2, vdso.vdso.image, vdso.vdso.size);
	tried = true;
	return vdso.vdso.image ? &vdso : NULL;
}

const struct vdso *vdso_of(struct process *process)
{
	struct stub *stub = process_stub(process);
	const struct vdso32 *v;

	if (!process->i386)
		return vdso_get();
	v = stub ? vdso32_get(stub) : NULL;
	return v ? &v->vdso : NULL;
}
