/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What loaders leave, true and false: the boot information must come out right from a Multiboot 1 and
 * a Multiboot 2 structure, and no damage to either may make the parser read where it may not (each
 * piece of "physical memory" is a heap block of exactly its size) or return a map that overlaps itself.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/multiboot.h"

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr); \
			exit(1);                                               \
		}                                                              \
	} while (0)

struct piece {
	uint64_t phys;
	size_t len;
	uint8_t *data;
};

struct machine {
	struct piece piece[8];
	int count;
};

static const void *machine_map(void *ctx, uint64_t phys, size_t len)
{
	struct machine *m = ctx;

	for (int i = 0; i < m->count; i++) {
		const struct piece *p = &m->piece[i];

		if (phys >= p->phys && phys - p->phys <= p->len && len <= p->len - (phys - p->phys))
			return p->data + (phys - p->phys);
	}
	return NULL;
}

static uint8_t *add_piece(struct machine *m, uint64_t phys, const void *data, size_t len)
{
	struct piece *p = &m->piece[m->count++];

	*p = (struct piece){ phys, len, calloc(1, len) };
	if (data)
		memcpy(p->data, data, len);
	return p->data;
}

static void machine_free(struct machine *m)
{
	for (int i = 0; i < m->count; i++)
		free(m->piece[i].data);
	m->count = 0;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static int parse(struct boot_info *bi, struct machine *m, uint32_t magic, uint64_t info)
{
	const struct multiboot_mem mem = { machine_map, m };

	return multiboot_parse(bi, magic, info, &mem);
}

/* The map must be ascending and free of overlaps and empty ranges, whatever went in. */
static void check_map(const struct boot_info *bi)
{
	CHECK(bi->range_count <= BOOT_MAX_RANGES);
	for (uint32_t i = 0; i < bi->range_count; i++) {
		const struct boot_range *r = &bi->range[i];

		CHECK(r->len && r->len <= UINT64_MAX - r->base);
		CHECK(r->type >= BOOT_MEM_USABLE && r->type <= BOOT_MEM_BAD);
		if (i)
			CHECK(r[-1].base + r[-1].len <= r->base);
	}
	CHECK(memchr(bi->cmdline, 0, sizeof(bi->cmdline)));
	CHECK(memchr(bi->loader, 0, sizeof(bi->loader)));
	CHECK(bi->module_count <= BOOT_MAX_MODULES);
	CHECK(bi->rsdp_len <= BOOT_RSDP_MAX);
}

static void make_mb1(struct machine *m)
{
	uint8_t *info = add_piece(m, 0x9000, NULL, 116);
	uint8_t *map = add_piece(m, 0xa000, NULL, 2 * 24);
	uint8_t *mods = add_piece(m, 0xb000, NULL, 16);

	put32(info, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9 | 1 << 12);
	put32(info + 8, 99999);
	put32(info + 16, 0xc000);
	put32(info + 20, 1);
	put32(info + 24, 0xb000);
	put32(info + 44, 48);
	put32(info + 48, 0xa000);
	put32(info + 64, 0xd000);
	put64(info + 88, 0xfd000000);
	put32(info + 96, 800 * 4);
	put32(info + 100, 800);
	put32(info + 104, 600);
	info[108] = 32;
	info[109] = BOOT_FB_RGB;
	memcpy(info + 110, (uint8_t[]){ 16, 8, 8, 8, 0, 8 }, 6);
	put32(map, 20);
	put64(map + 4, 0x100000);
	put64(map + 12, 0x700000);
	put32(map + 20, 1);
	put32(map + 24, 20);
	put64(map + 28, 0);
	put64(map + 36, 0x9fc00);
	put32(map + 44, 1);
	put32(mods, 0x200000);
	put32(mods + 4, 0x201000);
	put32(mods + 8, 0xe000);
	add_piece(m, 0xc000, "/tftp/muster.elf  ip=10.0.0.2/24 name=n1 ", 42);
	add_piece(m, 0xd000, "qemu", 5);
	add_piece(m, 0xe000, "key", 4);
}

static void multiboot1_is_read(void)
{
	struct machine m = { 0 };
	struct boot_info bi;

	make_mb1(&m);
	CHECK(parse(&bi, &m, MULTIBOOT1_MAGIC, 0x9000) == 0);
	check_map(&bi);
	CHECK(!strcmp(bi.cmdline, "ip=10.0.0.2/24 name=n1"));
	CHECK(!strcmp(bi.loader, "qemu"));
	CHECK(bi.range_count == 2 && bi.range[0].base == 0 && bi.range[1].len == 0x700000);
	CHECK(bi.module_count == 1 && bi.module[0].base == 0x200000 && bi.module[0].len == 0x1000);
	CHECK(!strcmp(bi.module[0].name, "key"));
	CHECK(bi.fb.type == BOOT_FB_RGB && bi.fb.w == 800 && bi.fb.red_pos == 16 &&
	      bi.fb.blue_size == 8);
	machine_free(&m);
}

static uint8_t *add_tag(uint8_t *at, uint32_t type, const void *data, uint32_t len)
{
	put32(at, type);
	put32(at + 4, 8 + len);
	memcpy(at + 8, data, len);
	return at + ((8 + len + 7) & ~7u);
}

static void make_mb2(struct machine *m)
{
	uint8_t buffer[1024] = { 0 }, *at = buffer + 8, map[8 + 2 * 24] = { 0 }, fb[30] = { 0 };

	put32(map, 24);
	put64(map + 8, 0x100000);
	put64(map + 16, 0x100000);
	put32(map + 24, 1);
	put64(map + 32, 0x200000);
	put64(map + 40, 0x300000);
	put32(map + 48, 1);
	put64(fb, 0x80000000);
	put32(fb + 8, 1024 * 4);
	put32(fb + 12, 1024);
	put32(fb + 16, 768);
	fb[20] = 32;
	fb[21] = BOOT_FB_RGB;
	memcpy(fb + 24, (uint8_t[]){ 16, 8, 8, 8, 0, 8 }, 6);

	at = add_tag(at, 1, "name=n2", 8);
	at = add_tag(at, 2, "GRUB", 5);
	at = add_tag(at, 3, "\0\0\x40\0\0\x10\x40\0mod", 12);
	at = add_tag(at, 6, map, sizeof(map));
	at = add_tag(at, 8, fb, sizeof(fb));
	at = add_tag(at, 15, "RSD PTR new.........................", 36);
	at = add_tag(at, 14, "RSD PTR old.........", 20);
	at = add_tag(at, 77, "from the future", 15);
	at = add_tag(at, 0, "", 0);
	put32(buffer, at - buffer);
	add_piece(m, 0x9000, buffer, at - buffer);
}

static void multiboot2_is_read(void)
{
	struct machine m = { 0 };
	struct boot_info bi;

	make_mb2(&m);
	CHECK(parse(&bi, &m, MULTIBOOT2_MAGIC, 0x9000) == 0);
	check_map(&bi);
	CHECK(!strcmp(bi.cmdline, "name=n2") && !strcmp(bi.loader, "GRUB"));
	CHECK(bi.range_count == 1 && bi.range[0].base == 0x100000 && bi.range[0].len == 0x400000);
	CHECK(bi.module_count == 1 && bi.module[0].len == 0x1000 &&
	      !strcmp(bi.module[0].name, "mod"));
	CHECK(bi.rsdp_len == 36 && !memcmp(bi.rsdp, "RSD PTR new", 11));
	CHECK(bi.fb.w == 1024 && bi.fb.h == 768);
	machine_free(&m);
}

static void command_lines_lose_the_image_name(void)
{
	static const struct {
		const char *loader, *in, *out;
	} cases[] = {
		{ "", "", "" },
		{ "", "   ", "" },
		{ "", "ip=1.2.3.4/24 name=a", "ip=1.2.3.4/24 name=a" },
		{ "", "home=1.2.3.4:77 name=a", "home=1.2.3.4:77 name=a" },
		{ "", "/boot/k.elf ip=1.2.3.4/24", "ip=1.2.3.4/24" },
		{ "", "/boot/k.elf", "" },
		{ "", "http://box/k.elf?x=1 name=a", "name=a" },
		{ "", "tftp:k.elf", "" },
		{ "", "quiet /boot/k.elf", "quiet /boot/k.elf" },
		{ "GRUB 2.06", "quiet name=a", "quiet name=a" },
		{ "qemu", "k.elf name=a", "name=a" },
		{ "qemu", "k=1.elf", "" },
		{ "qemu", "k", "" },
		{ "iPXE 1.0.0+", "k.elf  name=a ", "name=a" },
	};
	char out[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK(multiboot_copy_cmdline(out, sizeof(out), cases[i].in, strlen(cases[i].in),
					     cases[i].loader));
		CHECK(!strcmp(out, cases[i].out));
	}
	CHECK(multiboot_copy_cmdline(out, sizeof(out), "abc\0def", 7, ""));
	CHECK(!strcmp(out, "abc"));
}

static void what_does_not_fit_goes_word_by_word(void)
{
	char out[8];

	CHECK(multiboot_copy_cmdline(out, sizeof(out), "a=1 b=2", 7, ""));
	CHECK(!strcmp(out, "a=1 b=2"));
	CHECK(!multiboot_copy_cmdline(out, sizeof(out), "a=1 b=23", 8, ""));
	CHECK(!strcmp(out, "a=1"));
	CHECK(!multiboot_copy_cmdline(out, sizeof(out), "a=1 b=2 c", 9, ""));
	CHECK(!strcmp(out, "a=1 b=2"));
	CHECK(!multiboot_copy_cmdline(out, sizeof(out), "abcdefgh", 8, ""));
	CHECK(!strcmp(out, ""));
}

static void a_long_command_line_is_cut(void)
{
	static char line[5000];
	struct machine m = { 0 };
	struct boot_info bi;
	uint8_t *info = add_piece(&m, 0x9000, NULL, 88);

	for (size_t i = 0; i < sizeof(line); i++)
		line[i] = i % 4 == 3 ? ' ' : 'x';
	put32(info, 1 << 2);
	put32(info + 16, 0xc000);
	add_piece(&m, 0xc000, line, sizeof(line)); /* not even terminated */
	CHECK(parse(&bi, &m, MULTIBOOT1_MAGIC, 0x9000) == 0);
	CHECK(bi.cmdline_cut && strlen(bi.cmdline) == BOOT_CMDLINE_MAX - 1);
	machine_free(&m);
}

static void overlaps_go_to_the_more_restrictive(void)
{
	struct boot_info bi = { .range_count = 3 };

	bi.range[0] = (struct boot_range){ 0x1000, 0x9000, BOOT_MEM_USABLE };
	bi.range[1] = (struct boot_range){ 0x3000, 0x1000, BOOT_MEM_RESERVED };
	bi.range[2] = (struct boot_range){ 0x0000, 0x2000, BOOT_MEM_USABLE };
	multiboot_tidy_ranges(&bi);
	check_map(&bi);
	CHECK(bi.range_count == 3);
	CHECK(bi.range[0].base == 0 && bi.range[0].len == 0x3000);
	CHECK(bi.range[1].type == BOOT_MEM_RESERVED && bi.range[1].len == 0x1000);
	CHECK(bi.range[2].base == 0x4000 && bi.range[2].len == 0x6000);
}

static void without_a_map_the_sizes_count(void)
{
	struct machine m = { 0 };
	struct boot_info bi;
	uint8_t *info = add_piece(&m, 0x9000, NULL, 88);

	put32(info, 1 << 0);
	put32(info + 8, 31 * 1024);
	CHECK(parse(&bi, &m, MULTIBOOT1_MAGIC, 0x9000) == 0);
	CHECK(bi.range_count == 2 && bi.range[1].len == 31u << 20);
	machine_free(&m);
}

static void what_is_not_multiboot_is_refused(void)
{
	struct machine m = { 0 };
	struct boot_info bi;

	make_mb1(&m);
	CHECK(parse(&bi, &m, 0x12345678, 0x9000) == -EINVAL);
	check_map(&bi);
	CHECK(parse(&bi, &m, MULTIBOOT1_MAGIC, 0x12345678) == -EINVAL);
	CHECK(parse(&bi, &m, MULTIBOOT2_MAGIC, 0x9000 + 100) == -EINVAL);
	machine_free(&m);
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void damage_is_survived(void)
{
	static const uint32_t nasty[] = {
		0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff
	};

	for (int round = 0; round < 40000; round++) {
		struct machine m = { 0 };
		struct boot_info bi;
		uint32_t magic = round & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC;

		if (round & 1)
			make_mb1(&m);
		else
			make_mb2(&m);
		for (int n = next_random() % 6 + 1; n; n--) {
			struct piece *p = &m.piece[next_random() % m.count];
			size_t at = next_random() % p->len;

			if (at + 4 <= p->len && next_random() % 2)
				put32(p->data + (at & ~3ul), nasty[next_random() % 8]);
			else
				p->data[at] = next_random();
		}
		if (parse(&bi, &m, magic, 0x9000) == 0)
			check_map(&bi);
		machine_free(&m);
	}
}

int main(void)
{
	multiboot1_is_read();
	multiboot2_is_read();
	command_lines_lose_the_image_name();
	what_does_not_fit_goes_word_by_word();
	a_long_command_line_is_cut();
	overlaps_go_to_the_more_restrictive();
	without_a_map_the_sizes_count();
	what_is_not_multiboot_is_refused();
	damage_is_survived();
	return 0;
}
