/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patched copy of this kernel's own vDSO is called and gives the same answers; its unwinding
 * information says what its code does; damaged images are refused or patched, but never overrun.
 * Sources: userland/deputy/vdso.c userland/deputy/maps.c
 */
#include "tests/unit/unit.h"

#include <elf.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include "userland/deputy/vdso.h"

/* The address of a function in an image loaded at base, by the section headers (the patch uses hashes). */
static uint64_t lookup(const uint8_t *base, const char *name, uint64_t *size)
{
	const Elf64_Ehdr *eh = (const void *)base;
	const Elf64_Shdr *sh = (const void *)(base + eh->e_shoff);

	for (int i = 0; i < eh->e_shnum; i++) {
		const Elf64_Sym *sym = (const void *)(base + sh[i].sh_offset);
		const char *names = (const char *)base + sh[sh[i].sh_link].sh_offset;

		if (sh[i].sh_type != SHT_DYNSYM)
			continue;
		for (uint64_t k = 0; k < sh[i].sh_size / sizeof(*sym); k++)
			if (!strcmp(names + sym[k].st_name, name)) {
				*size = sym[k].st_size;
				return sym[k].st_value;
			}
	}
	return 0;
}

static uint8_t *executable_copy(const struct vdso *v)
{
	uint8_t *p = mmap(NULL, v->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memcpy(p, v->image, v->size);
	CHECK_EQ(mprotect(p, v->size, PROT_READ | PROT_EXEC), 0);
	return p;
}

TEST(functions_make_the_call)
{
	const struct vdso *v = vdso_get();
	uint64_t at, size;
	struct timespec a, b, c;
	struct timeval tv;
	unsigned cpu = 99999, node;
	uint8_t *p;

	CHECK(v && v->size % 4096 == 0 && v->file.ino == 1 && v->file.ctime_ns);
	CHECK(vdso_get() == v);
	p = executable_copy(v);

	at = lookup(p, "__vdso_clock_gettime", &size);
	CHECK(at);
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK_EQ(((int (*)(int, struct timespec *))(p + at))(CLOCK_MONOTONIC, &b), 0);
	clock_gettime(CLOCK_MONOTONIC, &c);
	CHECK(a.tv_sec <= b.tv_sec && b.tv_sec <= c.tv_sec && b.tv_sec >= 0);
	CHECK_EQ(((int (*)(int, struct timespec *))(p + at))(12345, &b), -EINVAL);

	at = lookup(p, "__vdso_gettimeofday", &size);
	CHECK(at);
	CHECK_EQ(((int (*)(struct timeval *, void *))(p + at))(&tv, NULL), 0);
	CHECK(tv.tv_sec - time(NULL) <= 1);
	at = lookup(p, "__vdso_time", &size);
	CHECK(at);
	CHECK(((long (*)(long *))(p + at))(NULL) - time(NULL) <= 1);
	at = lookup(p, "__vdso_getcpu", &size);
	CHECK(at);
	CHECK_EQ(((int (*)(unsigned *, unsigned *, void *))(p + at))(&cpu, &node, NULL), 0);
	CHECK(cpu < 4096);
	at = lookup(p, "__vdso_getrandom", &size);
	if (at) {
		char buf[16] = { 0 };
		long (*fn)(void *, size_t, unsigned, void *, size_t) = (void *)(p + at);

		CHECK_EQ(fn(NULL, 0, 0, NULL, ~(size_t)0), -ENOSYS);
		CHECK_EQ(fn(buf, sizeof(buf), 0, NULL, 0), (long)sizeof(buf));
	}
}

/* Each FDE of a patched function must have nothing but nops: CFA = rsp + 8 throughout. */
TEST(unwinding_fits_the_code)
{
	const struct vdso *v = vdso_get();
	const Elf64_Ehdr *eh = (const void *)v->image;
	const Elf64_Phdr *ph = (const void *)(v->image + eh->e_phoff);
	uint64_t at, size, off = 0;
	unsigned checked = 0;
	int32_t rel;

	at = lookup(v->image, "__vdso_clock_gettime", &size);
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_GNU_EH_FRAME) {
			memcpy(&rel, v->image + ph[i].p_offset + 4, 4);
			off = ph[i].p_offset + 4 + (uint64_t)(int64_t)rel;
		}
	CHECK(off);
	for (;;) {
		uint32_t len, id;

		memcpy(&len, v->image + off, 4);
		memcpy(&id, v->image + off + 4, 4);
		if (!len)
			break;
		memcpy(&rel, v->image + off + 8, 4);
		if (id && off + 8 + (uint64_t)(int64_t)rel == at) {
			for (uint32_t i = 17; i < len + 4; i++)
				CHECK_EQ(v->image[off + i], 0);
			checked++;
		}
		off += len + 4;
	}
	CHECK_EQ(checked, 1);
}

TEST(damaged_images_are_survived)
{
	const struct vdso *v = vdso_get();

	srand(2);
	for (int i = 0; i < 4000; i++) {
		size_t n = i % 3 ? v->size : (size_t)rand() % v->size + 1;
		uint8_t *copy = malloc(n);

		memcpy(copy, v->image, n);
		for (int k = rand() % 8; k >= 0; k--)
			copy[(size_t)rand() % (k & 1 ? n : n < 0x800 ? n : 0x800)] = (uint8_t)rand();
		vdso_patch(copy, n);
		free(copy);
	}
}
