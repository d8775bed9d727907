/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loader, top to bottom: who serves us, the settings, the kernel, off. */
#include "iso/pxe/pxe.h"

#define KERNEL	     "muster.elf"
#define SETTINGS     "muster.cfg"
#define SETTINGS_MAX 2048

/* Multiboot Specification 0.6.96, 3.1 and 3.3. */
#define HEADER_MAGIC	     0x1badb002u
#define HEADER_WITHIN	     8192
#define HEADER_HAS_ADDRESSES 0x10000u
#define ENTRY_MAGIC	     0x2badb002u
#define INFO_FLAGS	     0x245u /* memory sizes, command line, memory map, our name */

struct header {
	uint32_t magic, flags, checksum, header_addr, load_addr, load_end, bss_end, entry;
};

static struct {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr, drives[2], config, loader_name;
	uint32_t unused[6];
} info;

static struct memory_range ranges[MEMORY_RANGES_MAX];
static char settings[SETTINGS_MAX];
static unsigned settings_len;

/* The kernel on its way: what waits in block_buffer starts at file offset `at`. */
static struct {
	uint32_t at, waiting;
	uint32_t skip; /* offset in the file of what goes to `load` */
	uint32_t done, total;
	struct header header; /* magic 0: not seen yet */
	const char *error;
} kernel;

void loader_main(void);

static bool settings_block(const uint8_t *data, unsigned len)
{
	if (!data)
		settings_len = 0;
	for (unsigned i = 0; i < len && settings_len < sizeof(settings) - 1; i++)
		settings[settings_len++] = data[i];
	settings[settings_len] = 0;
	return true;
}

/*
 * Of muster.cfg, the words between the quotes of `set muster_args="..."`; they are put at its
 * start.
 */
static void keep_words(void)
{
	static const char mark[] = "\nset muster_args=\"";
	char *p = settings, *out = settings;
	unsigned match = 1; /* as if a newline stood before the file */

	for (; *p && mark[match]; p++)
		match = *p == mark[match] ? match + 1 : *p == '\n';
	while (!mark[match] && *p && *p != '"' && *p != '\n')
		*out++ = *p++;
	*out = 0;
}

static void get_settings(const struct pxe_server *server)
{
	static const char digits[] = "0123456789abcdef";
	char name[] = "machines/00:00:00:00:00:00.cfg";
	long n;

	for (unsigned i = 0; i < 6; i++) {
		name[9 + 3 * i] = digits[server->mac[i] >> 4];
		name[10 + 3 * i] = digits[server->mac[i] & 15];
	}
	n = tftp_get(server, name, settings_block);
	if (n < 0)
		n = tftp_get(server, SETTINGS, settings_block);
	if (n < 0)
		fail("the settings (" SETTINGS
		     ") cannot be had: is `muster netboot` running there?");
	keep_words();
}

static bool find_header(void)
{
	uint32_t end = kernel.waiting < HEADER_WITHIN ? kernel.waiting : HEADER_WITHIN;

	for (uint32_t i = 0; i + sizeof(struct header) <= end; i += 4) {
		const struct header *h = (const struct header *)(block_buffer + i);

		if (h->magic != HEADER_MAGIC || h->magic + h->flags + h->checksum ||
		    !(h->flags & HEADER_HAS_ADDRESSES))
			continue;
		if (h->header_addr < h->load_addr || h->header_addr - h->load_addr > i ||
		    h->load_end <= h->load_addr || h->bss_end < h->load_end)
			return false;
		kernel.header = *h;
		kernel.skip = i - (h->header_addr - h->load_addr);
		kernel.total = h->load_end - h->load_addr;
		return true;
	}
	return false;
}

/* Moves what waits to where it belongs. */
static bool flush(void)
{
	uint32_t from = 0, len = kernel.waiting;

	if (!kernel.header.magic) {
		if (!find_header()) {
			kernel.error = KERNEL " is not a kernel of Muster";
			return false;
		}
		if (!memory_usable(ranges, memory_map(ranges), kernel.header.load_addr,
				   kernel.header.bss_end)) {
			kernel.error = "this machine has too little memory, or none at 1 MB";
			return false;
		}
	}
	if (kernel.at < kernel.skip)
		from = kernel.skip - kernel.at < len ? kernel.skip - kernel.at : len;
	len -= from;
	if (len > kernel.total - kernel.done)
		len = kernel.total - kernel.done;
	/* An odd byte can only be the last: one of the next piece's place goes with it. */
	if (len && !memory_put(kernel.header.load_addr + kernel.done, block_buffer + from,
			       (len + 1) & ~1u)) {
		kernel.error = "the BIOS does not copy to high memory";
		return false;
	}
	kernel.done += len;
	kernel.at += kernel.waiting;
	kernel.waiting = 0;
	put_text(".");
	return true;
}

static bool kernel_block(const uint8_t *data, unsigned len)
{
	if (!data) {
		kernel.at = kernel.waiting = kernel.done = kernel.header.magic = 0;
		kernel.error = NULL;
	}
	if (kernel.waiting + len > (unsigned)(block_buffer_end - block_buffer) && !flush())
		return false;
	for (unsigned i = 0; i < len; i++)
		block_buffer[kernel.waiting++] = data[i];
	return true;
}

static void get_kernel(const struct pxe_server *server)
{
	long n = tftp_get(server, KERNEL, kernel_block);

	if (n >= 0)
		flush();
	if (kernel.error)
		fail(kernel.error);
	if (n < 0)
		fail(KERNEL " cannot be had: is `muster netboot` running there?");
	if (kernel.done < kernel.total)
		fail(KERNEL " is cut short");
}

void loader_main(void)
{
	struct bios_regs r = { 0 };
	struct pxe_server server;

	if (!rom_find())
		fail("no PXE ROM answers: this program is for network boot by a BIOS");
	rom_server(&server);
	if (!server.address)
		fail("the network said no boot server");
	put_text("\nMuster: %m loads from %i ", server.mac, server.address);
	get_settings(&server);
	get_kernel(&server);
	put_text("\nMuster: %s\n", settings);
	rom_leave();
	if (!memory_all_lines())
		fail("address line 20 cannot be switched on");

	/* Only now: what the ROM kept for itself is free again. */
	bios_call(0x12, &r);
	info.mem_lower = r.eax & 0xffff;
	info.mmap_length = memory_map(ranges) * sizeof(ranges[0]);
	info.mmap_addr = (uint32_t)ranges;
	for (unsigned i = 0; i < info.mmap_length / sizeof(ranges[0]); i++)
		if (ranges[i].base == 0x100000 && ranges[i].type == 1)
			info.mem_upper = ranges[i].len >> 32 ? ~0u : (uint32_t)ranges[i].len >> 10;
	info.flags = INFO_FLAGS;
	info.cmdline = (uint32_t)settings;
	info.loader_name = (uint32_t) "Muster PXE";
	enter_kernel(kernel.header.entry, ENTRY_MAGIC, &info);
}
