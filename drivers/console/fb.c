/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on the framebuffer that the loader has set up, as it does under UEFI, where there is no VGA
 * text. Glyphs are enlarged as long as 80 x 25 of them fit. Only written to: reading video memory
 * is slow.
 */
#include <string.h>

#include "boot/boot_info.h"
#include "drivers/console/backends.h"
#include "kernel/mm/kmap.h"
#include "kernel/mm/page.h"

#define COLUMNS_WANTED 80
#define ROWS_WANTED 25
/* With less there is no use in it. */
#define COLUMNS_MIN 40
#define ROWS_MIN 10
/* The early page tables, and the direct map at any time, reach so far. */
#define REACH (1ull << 32)
/* Of one line of pixels, written at once: write combining works on 64 bytes in a row. */
#define PIECE 2048

static struct boot_framebuffer fb;
static uint8_t *pixels;
static unsigned bytes;	/* of a pixel */
static unsigned scale;	/* pixels of the screen, each way, for one of the font; 0: unusable */
static size_t origin;	/* of the text, which is in the middle */
static uint32_t palette[16];

/* VGA's colours: 6 is darker in green than its bits say. */
static const uint8_t vga_rgb[16][3] = {
	{ 0, 0, 0 }, { 0, 0, 170 }, { 0, 170, 0 }, { 0, 170, 170 },
	{ 170, 0, 0 }, { 170, 0, 170 }, { 170, 85, 0 }, { 170, 170, 170 },
	{ 85, 85, 85 }, { 85, 85, 255 }, { 85, 255, 85 }, { 85, 255, 255 },
	{ 255, 85, 85 }, { 255, 85, 255 }, { 255, 255, 85 }, { 255, 255, 255 },
};

static uint32_t component(uint8_t value, uint8_t pos, uint8_t size)
{
	uint32_t v = value;

	return (size > 8 ? v << (size - 8) : v >> (8 - size)) << pos;
}

static bool fits_pixel(uint8_t pos, uint8_t size)
{
	return size && size <= 16 && pos + size <= 8 * bytes;
}

bool fb_init(const struct boot_framebuffer *info)
{
	unsigned rows, columns;

	fb = *info;
	bytes = (fb.bpp + 7) / 8;
	if (!fits_pixel(fb.red_pos, fb.red_size) || !fits_pixel(fb.green_pos, fb.green_size) ||
	    !fits_pixel(fb.blue_pos, fb.blue_size))
		return false;
	for (unsigned i = 0; i < 16; i++)
		palette[i] = component(vga_rgb[i][0], fb.red_pos, fb.red_size) |
			     component(vga_rgb[i][1], fb.green_pos, fb.green_size) |
			     component(vga_rgb[i][2], fb.blue_pos, fb.blue_size);
	scale = 1;
	while ((scale + 1) * FONT_WIDTH * COLUMNS_WANTED <= fb.w &&
	       (scale + 1) * FONT_HEIGHT * ROWS_WANTED <= fb.h)
		scale++;
	columns = fb.w / (FONT_WIDTH * scale);
	rows = fb.h / (FONT_HEIGHT * scale);
	if (columns < COLUMNS_MIN || rows < ROWS_MIN) {
		scale = 0;
		return false;
	}
	fb_display.columns = columns < CELLS_COLUMNS_MAX ? columns : CELLS_COLUMNS_MAX;
	fb_display.rows = rows < CELLS_ROWS_MAX ? rows : CELLS_ROWS_MAX;
	origin = (size_t)(fb.h - fb_display.rows * FONT_HEIGHT * scale) / 2 * fb.pitch +
		 (size_t)(fb.w - fb_display.columns * FONT_WIDTH * scale) / 2 * bytes;
	if (fb.addr < REACH && (uint64_t)fb.pitch * fb.h <= REACH - fb.addr)
		pixels = phys_virt(fb.addr);
	return pixels != NULL;
}

bool fb_map(void)
{
	void *mapped = scale ? mmio_map_wc(fb.addr, (size_t)fb.pitch * fb.h) : NULL;

	if (mapped)
		pixels = mapped;
	return pixels != NULL;
}

static uint8_t *put_pixel(uint8_t *p, uint32_t colour)
{
	/* By constant lengths, which become single stores. */
	if (bytes == 4)
		__builtin_memcpy(p, &colour, 4);
	else if (bytes == 2)
		__builtin_memcpy(p, &colour, 2);
	else
		__builtin_memcpy(p, &colour, 3);
	return p + bytes;
}

/* One line of pixels of n cells, drawn `scale` times below each other. */
static void draw_line(uint8_t *to, const uint16_t *cells, unsigned n, unsigned y)
{
	uint8_t line[PIECE], *p = line;

	for (unsigned i = 0; i < n; i++) {
		uint8_t bits = console_font[cells[i] & 0xff][y];
		uint32_t colour[2] = { palette[cells[i] >> 12 & 7], palette[cells[i] >> 8 & 15] };

		for (unsigned x = 0; x < FONT_WIDTH; x++, bits <<= 1)
			for (unsigned s = 0; s < scale; s++)
				p = put_pixel(p, colour[bits >> 7]);
	}
	for (unsigned s = 0; s < scale; s++)
		memcpy(to + (size_t)s * fb.pitch, line, p - line);
}

static void fb_draw(unsigned row, unsigned column, const uint16_t *cells, unsigned n)
{
	size_t width = FONT_WIDTH * scale * bytes; /* of a cell, in bytes */
	unsigned most = PIECE / width ? PIECE / width : 1;
	uint8_t *to =
		pixels + origin + (size_t)row * FONT_HEIGHT * scale * fb.pitch + column * width;

	while (n) {
		unsigned piece = n < most ? n : most;

		for (unsigned y = 0; y < FONT_HEIGHT; y++)
			draw_line(to + (size_t)y * scale * fb.pitch, cells, piece, y);
		to += piece * width;
		cells += piece;
		n -= piece;
	}
}

static void fb_clear(void)
{
	for (unsigned y = 0; y < fb.h; y++)
		memset(pixels + (size_t)y * fb.pitch, 0, (size_t)fb.w * bytes);
}

struct display fb_display = {
	.draw = fb_draw,
	.clear = fb_clear,
};
