/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads Multiboot 1 and 2 information into a struct boot_info. See multiboot.h. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "boot/multiboot.h"

/* Multiboot 1: flags that say which fields are valid, and the fields' offsets. */
#define MB1_HAS_MEMORY	(1u << 0)
#define MB1_HAS_DRIVE	(1u << 1)
#define MB1_HAS_CMDLINE (1u << 2)
#define MB1_HAS_MODULES (1u << 3)
#define MB1_HAS_MMAP	(1u << 6)
#define MB1_HAS_LOADER	(1u << 9)
#define MB1_HAS_FB	(1u << 12)

#define MB1_FLAGS	0
#define MB1_MEM_UPPER	8
#define MB1_DRIVE	15 /* the highest byte of boot_device */
#define MB1_CMDLINE	16
#define MB1_MODS_COUNT	20
#define MB1_MODS_ADDR	24
#define MB1_MMAP_LENGTH 44
#define MB1_MMAP_ADDR	48
#define MB1_LOADER	64
#define MB1_FB		88
#define MB1_SIZE_NO_FB	88
#define MB1_FB_SIZE	28
#define MB1_MODULE_SIZE 16
#define MB1_MMAP_SIZE	24 /* its size field included */

enum mb2_tag {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MEMORY = 4,
	MB2_DRIVE = 5,
	MB2_MMAP = 6,
	MB2_FB = 8,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW = 15,
};
#define MB2_TAG_HEADER 8
/* More than any loader passes; a larger total is taken for damage. */
#define MB2_MAX_TOTAL (1u << 20)

static uint8_t get8(const uint8_t *p)
{
	return *p;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static const uint8_t *map(const struct multiboot_mem *mem, uint64_t phys, size_t len)
{
	return mem->map(mem->ctx, phys, len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void copy_text(char *dst, size_t size, const char *src, size_t len)
{
	size_t n = 0;

	while (n < len && n < size - 1 && src[n]) {
		dst[n] = src[n];
		n++;
	}
	dst[n] = 0;
}

/* Copies a zero-terminated string of unknown length; what is not readable ends it. */
static size_t copy_string(const struct multiboot_mem *mem, uint64_t phys, char *dst, size_t size)
{
	size_t n = 0;

	while (n < size - 1) {
		const uint8_t *c = map(mem, phys + n, 1);

		if (!c || !*c)
			break;
		dst[n++] = (char)*c;
	}
	dst[n] = 0;
	return n;
}

static bool names_image_first(const char *loader)
{
	return strncmp(loader, "qemu", 4) == 0 || strncmp(loader, "iPXE", 4) == 0;
}

/* The length of the first word if it is the image's name, else 0. */
static size_t image_name_len(const char *src, size_t len, const char *loader)
{
	bool path = names_image_first(loader), value = false;
	size_t n;

	for (n = 0; n < len && !is_blank(src[n]); n++) {
		value |= src[n] == '=';
		path |= !value && (src[n] == '/' || src[n] == ':');
	}
	return path ? n : 0;
}

bool multiboot_copy_cmdline(char *dst, size_t size, const char *src, size_t len, const char *loader)
{
	size_t out;
	bool cut;

	len = strnlen(src, len);
	while (len && is_blank(*src)) {
		src++;
		len--;
	}
	out = image_name_len(src, len, loader);
	src += out;
	len -= out;
	while (len && is_blank(*src)) {
		src++;
		len--;
	}
	cut = len > size - 1;
	out = cut ? size - 1 : len;
	/* Half a word could mean something else. */
	while (cut && out && !is_blank(src[out]))
		out--;
	memcpy(dst, src, out);
	while (out && is_blank(dst[out - 1]))
		out--;
	dst[out] = 0;
	return !cut;
}

static void add_range(struct boot_info *bi, uint64_t base, uint64_t len, uint32_t type)
{
	if (len > UINT64_MAX - base)
		len = UINT64_MAX - base;
	if (!len)
		return;
	if (bi->range_count == BOOT_MAX_RANGES) {
		bi->range_dropped++;
		return;
	}
	if (type < BOOT_MEM_USABLE || type > BOOT_MEM_BAD)
		type = BOOT_MEM_RESERVED;
	bi->range[bi->range_count++] = (struct boot_range){ base, len, type };
}

/* Appends to the finished part of the map, joining equal neighbours. Dropping any range is safe:
 * memory in no range is not used. */
static void emit_range(struct boot_info *bi, uint64_t base, uint64_t end, uint32_t type)
{
	struct boot_range *last = bi->range_count ? &bi->range[bi->range_count - 1] : NULL;

	if (last && last->type == type && last->base + last->len == base)
		last->len = end - last->base;
	else
		add_range(bi, base, end - base, type);
}

void multiboot_tidy_ranges(struct boot_info *bi)
{
	struct boot_range in[BOOT_MAX_RANGES];
	uint64_t edge[2 * BOOT_MAX_RANGES];
	uint32_t count = bi->range_count, edges = 0;

	memcpy(in, bi->range, count * sizeof(in[0]));
	for (uint32_t i = 0; i < count; i++) {
		edge[edges++] = in[i].base;
		edge[edges++] = in[i].base + in[i].len;
	}
	for (uint32_t i = 1; i < edges; i++) {
		uint64_t v = edge[i];
		uint32_t j = i;

		for (; j && edge[j - 1] > v; j--)
			edge[j] = edge[j - 1];
		edge[j] = v;
	}

	/* Between two neighbouring edges every range covers all or nothing. */
	bi->range_count = 0;
	for (uint32_t e = 0; e + 1 < edges; e++) {
		uint32_t type = 0;

		if (edge[e] == edge[e + 1])
			continue;
		for (uint32_t i = 0; i < count; i++) {
			if (in[i].base <= edge[e] && edge[e] - in[i].base < in[i].len &&
			    in[i].type > type)
				type = in[i].type;
		}
		if (type)
			emit_range(bi, edge[e], edge[e + 1], type);
	}
}

static void add_module(struct boot_info *bi, uint64_t start, uint64_t end)
{
	struct boot_module *m = &bi->module[bi->module_count];

	if (end <= start || bi->module_count == BOOT_MAX_MODULES)
		return;
	m->base = start;
	m->len = end - start;
	m->name[0] = 0;
	bi->module_count++;
}

/* The framebuffer's description is the same in both versions: 22 bytes, then six of colours. */
static void read_framebuffer(struct boot_framebuffer *fb, const uint8_t *p, const uint8_t *colours)
{
	uint8_t type = get8(p + 21);

	if (type != BOOT_FB_RGB && type != BOOT_FB_TEXT)
		return; /* palettes are not supported; as if there was none */
	if (type == BOOT_FB_RGB && !colours)
		return;
	*fb = (struct boot_framebuffer){
		.addr = get64(p),
		.pitch = get32(p + 8),
		.w = get32(p + 12),
		.h = get32(p + 16),
		.bpp = get8(p + 20),
		.type = type,
	};
	if (type == BOOT_FB_TEXT)
		return;
	fb->red_pos = colours[0];
	fb->red_size = colours[1];
	fb->green_pos = colours[2];
	fb->green_size = colours[3];
	fb->blue_pos = colours[4];
	fb->blue_size = colours[5];
	/* Nobody could draw on one that contradicts itself. */
	if (fb->bpp < 15 || fb->bpp > 32 || !fb->w || !fb->h || fb->w > 16384 || fb->h > 16384 ||
	    fb->pitch / ((fb->bpp + 7u) / 8) < fb->w)
		memset(fb, 0, sizeof(*fb));
}

/* Loaders that know no map tell only how much there is from 1 MB on. */
static void add_memory_sizes(struct boot_info *bi, uint32_t upper_kb)
{
	if (bi->range_count)
		return;
	add_range(bi, 0, 640 * 1024, BOOT_MEM_USABLE);
	add_range(bi, 1024 * 1024, (uint64_t)upper_kb * 1024, BOOT_MEM_USABLE);
}

static void mb1_mmap(struct boot_info *bi, const struct multiboot_mem *mem, uint32_t addr,
		     uint32_t len)
{
	uint32_t at = 0;

	while (len - at >= MB1_MMAP_SIZE) {
		const uint8_t *e = map(mem, (uint64_t)addr + at, MB1_MMAP_SIZE);
		uint32_t size = e ? get32(e) : 0; /* of the entry without this field */

		if (size < MB1_MMAP_SIZE - 4 || size > len - at - 4)
			return;
		add_range(bi, get64(e + 4), get64(e + 12), get32(e + 20));
		at += size + 4;
	}
}

static int mb1_parse(struct boot_info *bi, uint64_t info, const struct multiboot_mem *mem)
{
	const uint8_t *p = map(mem, info, MB1_SIZE_NO_FB);
	char line[BOOT_CMDLINE_MAX * 2];
	uint32_t flags;

	if (!p)
		return -EINVAL;
	flags = get32(p + MB1_FLAGS);
	if (flags & MB1_HAS_LOADER)
		copy_string(mem, get32(p + MB1_LOADER), bi->loader, sizeof(bi->loader));
	if (flags & MB1_HAS_DRIVE)
		bi->boot_drive = get8(p + MB1_DRIVE);
	if (flags & MB1_HAS_CMDLINE) {
		size_t n = copy_string(mem, get32(p + MB1_CMDLINE), line, sizeof(line));

		bi->cmdline_cut = !multiboot_copy_cmdline(bi->cmdline, sizeof(bi->cmdline), line, n,
							  bi->loader);
	}
	if (flags & MB1_HAS_MODULES) {
		uint32_t count = get32(p + MB1_MODS_COUNT);
		uint64_t at = get32(p + MB1_MODS_ADDR);

		for (uint32_t i = 0; i < count && bi->module_count < BOOT_MAX_MODULES; i++) {
			const uint8_t *m =
				map(mem, at + (uint64_t)i * MB1_MODULE_SIZE, MB1_MODULE_SIZE);
			uint32_t before = bi->module_count;

			if (!m)
				break;
			add_module(bi, get32(m), get32(m + 4));
			if (bi->module_count != before && get32(m + 8))
				copy_string(mem, get32(m + 8), bi->module[before].name,
					    BOOT_NAME_MAX);
		}
	}
	if (flags & MB1_HAS_MMAP)
		mb1_mmap(bi, mem, get32(p + MB1_MMAP_ADDR), get32(p + MB1_MMAP_LENGTH));
	if (flags & MB1_HAS_MEMORY)
		add_memory_sizes(bi, get32(p + MB1_MEM_UPPER));
	if (flags & MB1_HAS_FB) {
		const uint8_t *fb = map(mem, info + MB1_FB, MB1_FB_SIZE);

		if (fb)
			read_framebuffer(&bi->fb, fb, fb + 22);
	}
	return 0;
}

static void mb2_mmap(struct boot_info *bi, const uint8_t *tag, uint32_t size)
{
	uint32_t entry;

	if (size < 16)
		return;
	entry = get32(tag + 8);
	if (entry < 24)
		return;
	for (uint32_t at = 16; size - at >= entry; at += entry)
		add_range(bi, get64(tag + at), get64(tag + at + 8), get32(tag + at + 16));
}

static void mb2_tag(struct boot_info *bi, uint32_t type, const uint8_t *tag, uint32_t size,
		    uint32_t *upper_kb)
{
	const char *text = (const char *)tag + MB2_TAG_HEADER;
	uint32_t len = size - MB2_TAG_HEADER, before = bi->module_count;

	switch (type) {
	case MB2_CMDLINE: /* GRUB's, the only loader of this form: it gives no image's name */
		bi->cmdline_cut = !multiboot_copy_cmdline(bi->cmdline, sizeof(bi->cmdline), text,
							  len, "");
		break;
	case MB2_LOADER:
		copy_text(bi->loader, sizeof(bi->loader), text, len);
		break;
	case MB2_MODULE:
		if (size < 16)
			break;
		add_module(bi, get32(tag + 8), get32(tag + 12));
		if (bi->module_count != before)
			copy_text(bi->module[before].name, BOOT_NAME_MAX, text + 8, len - 8);
		break;
	case MB2_DRIVE:
		if (size >= 12 && get32(tag + 8) <= UINT8_MAX)
			bi->boot_drive = get32(tag + 8);
		break;
	case MB2_MEMORY:
		if (size >= 16)
			*upper_kb = get32(tag + 12);
		break;
	case MB2_MMAP:
		mb2_mmap(bi, tag, size);
		break;
	case MB2_FB:
		/* 22 bytes, a reserved 16-bit word, colours. */
		if (size >= 8 + 22)
			read_framebuffer(&bi->fb, tag + 8,
					 size >= 8 + 24 + 6 ? tag + 8 + 24 : NULL);
		break;
	case MB2_RSDP_OLD:
	case MB2_RSDP_NEW:
		/* With both, the newer: it knows the XSDT. */
		if (len < 20 || (type == MB2_RSDP_OLD && bi->rsdp_len > 20))
			break;
		bi->rsdp_len = len < BOOT_RSDP_MAX ? len : BOOT_RSDP_MAX;
		memcpy(bi->rsdp, tag + MB2_TAG_HEADER, bi->rsdp_len);
		break;
	default: /* of no use here */
		break;
	}
}

static int mb2_parse(struct boot_info *bi, uint64_t info, const struct multiboot_mem *mem)
{
	const uint8_t *p = map(mem, info, MB2_TAG_HEADER);
	uint32_t total, at = MB2_TAG_HEADER, upper_kb = 0;

	if (!p)
		return -EINVAL;
	total = get32(p);
	if (total < MB2_TAG_HEADER || total > MB2_MAX_TOTAL || !(p = map(mem, info, total)))
		return -EINVAL;
	while (total - at >= MB2_TAG_HEADER) {
		uint32_t type = get32(p + at), size = get32(p + at + 4);

		if (type == MB2_END || size < MB2_TAG_HEADER || size > total - at)
			break;
		mb2_tag(bi, type, p + at, size, &upper_kb);
		size = (size + 7) & ~7u; /* tags start on 8-byte boundaries */
		if (size > total - at)
			break;
		at += size;
	}
	if (upper_kb)
		add_memory_sizes(bi, upper_kb);
	return 0;
}

int multiboot_parse(struct boot_info *bi, uint32_t magic, uint64_t info,
		    const struct multiboot_mem *mem)
{
	int err = -EINVAL;

	memset(bi, 0, sizeof(*bi));
	bi->boot_drive = -1;
	if (magic == MULTIBOOT1_MAGIC)
		err = mb1_parse(bi, info, mem);
	else if (magic == MULTIBOOT2_MAGIC)
		err = mb2_parse(bi, info, mem);
	/* QEMU claims the first disk when it loads the kernel itself. */
	if (strncmp(bi->loader, "GRUB", 4) != 0)
		bi->boot_drive = -1;
	bi->multiboot = err ? 0 : magic == MULTIBOOT1_MAGIC ? 1 : 2;
	multiboot_tidy_ranges(bi);
	return err;
}
