/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on framebuffers of all kinds: what was drawn is read back from the pixels by means of the
 * font.
 */
#include "tests/unit/unit.h"

/* --- the environment --- */

#define KERNEL_MM_KMAP_H
#define DIRECT_MAP ((uint64_t)video)

static uint8_t *video;

static void *mmio_map_wc(uint64_t pa, size_t len);

#include "drivers/console/fb.c"

#define PHYS 0x1000 /* of the framebuffer, seen from `video` */

static size_t video_len;
static bool mapped;

static void *mmio_map_wc(uint64_t pa, size_t len)
{
	CHECK_EQ(pa, fb.addr);
	CHECK_EQ(len, video_len);
	mapped = true;
	return video + PHYS;
}

static struct boot_framebuffer rgb(unsigned w, unsigned h, unsigned bpp, unsigned margin)
{
	bool deep = bpp >= 24;
	struct boot_framebuffer info = {
		.addr = PHYS, .w = w, .h = h, .bpp = bpp, .type = BOOT_FB_RGB,
		.pitch = w * ((bpp + 7) / 8) + margin,
		.red_pos = deep ? 16 : bpp == 16 ? 11 : 10, .red_size = deep ? 8 : 5,
		.green_pos = deep ? 8 : 5, .green_size = deep ? 8 : bpp == 16 ? 6 : 5,
		.blue_pos = 0, .blue_size = deep ? 8 : 5,
	};

	/* Exactly as large as it is, so that the sanitizer sees what is drawn outside. */
	free(video);
	video_len = (size_t)info.pitch * h;
	video = malloc(PHYS + video_len);
	memset(video, 0xee, PHYS + video_len);
	scale = 0;
	pixels = NULL;
	mapped = false;
	return info;
}

static uint32_t pixel(unsigned x, unsigned y)
{
	uint32_t v = 0;

	memcpy(&v, video + PHYS + (size_t)y * fb.pitch + (size_t)x * bytes, bytes);
	return v;
}

/* Is this what the screen shows in that cell? */
static bool shows(unsigned row, unsigned column, uint16_t cell)
{
	unsigned left = (fb.w - fb_display.columns * 8 * scale) / 2 + column * 8 * scale;
	unsigned top = (fb.h - fb_display.rows * 16 * scale) / 2 + row * 16 * scale;

	for (unsigned y = 0; y < 16 * scale; y++)
		for (unsigned x = 0; x < 8 * scale; x++) {
			bool on = console_font[cell & 0xff][y / scale] << x / scale & 0x80;

			if (pixel(left + x, top + y) !=
			    palette[on ? cell >> 8 & 15 : cell >> 12 & 7])
				return false;
		}
	return true;
}

static void draw_and_look(const struct boot_framebuffer *info, unsigned rows, unsigned columns)
{
	uint16_t line[CELLS_COLUMNS_MAX];
	unsigned last;

	CHECK(fb_init(info));
	CHECK_EQ(fb_display.rows, rows);
	CHECK_EQ(fb_display.columns, columns);
	fb_display.clear();
	for (unsigned i = 0; i < columns; i++)
		line[i] = CELL(i * 7 % 128, 'A' + i % 57);
	last = rows - 1;
	fb_display.draw(0, 0, line, columns);
	fb_display.draw(last, columns - 1, line, 1);
	for (unsigned i = 0; i < columns; i++)
		CHECK(shows(0, i, line[i]));
	CHECK(shows(last, columns - 1, line[0]));
	CHECK(shows(1, 3, CELL_BLANK));
	CHECK(!shows(0, 3, CELL_BLANK));
	/* What is behind the end of a line is nobody's. */
	for (unsigned i = 0; i < fb.pitch - fb.w * bytes; i++)
		CHECK_EQ(video[PHYS + fb.w * bytes + i], 0xee);
}

TEST(every_kind_of_pixel)
{
	static const unsigned bpp[] = { 15, 16, 24, 32 };

	for (unsigned i = 0; i < 4; i++) {
		struct boot_framebuffer info = rgb(800, 600, bpp[i], 64);

		draw_and_look(&info, 37, 100);
	}
}

TEST(glyphs_grow_with_the_screen)
{
	static const struct {
		unsigned w, h, rows, columns;
	} sizes[] = { { 640, 480, 30, 80 },
		      { 1024, 768, 48, 128 },
		      { 1280, 800, 25, 80 },
		      { 1920, 1080, 33, 120 },
		      { 3840, 2160, 27, 96 },
		      { 1366, 768, 48, CELLS_COLUMNS_MAX },
		      { 2048, 799, 49, CELLS_COLUMNS_MAX },
		      { 500, 3000, CELLS_ROWS_MAX, 62 } };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct boot_framebuffer info = rgb(sizes[i].w, sizes[i].h, 32, 0);

		draw_and_look(&info, sizes[i].rows, sizes[i].columns);
	}
}

TEST(colours_are_vgas)
{
	struct boot_framebuffer info = rgb(640, 400, 32, 0);

	CHECK(fb_init(&info));
	CHECK_EQ(palette[BLUE], 0x0000aa);
	CHECK_EQ(palette[BROWN], 0xaa5500);
	CHECK_EQ(palette[WHITE], 0xffffff);
	info = rgb(640, 400, 16, 0);
	CHECK(fb_init(&info));
	CHECK_EQ(palette[WHITE], 0xffff);
	CHECK_EQ(palette[RED], 0xa800);
}

TEST(what_cannot_be_drawn_on_is_refused)
{
	struct boot_framebuffer info = rgb(640, 400, 32, 0);

	info.red_pos = 30;
	CHECK(!fb_init(&info));
	CHECK(!fb_map());
	info = rgb(640, 400, 32, 0);
	info.blue_size = 0;
	CHECK(!fb_init(&info));
	info = rgb(319, 400, 32, 0);
	CHECK(!fb_init(&info));
	CHECK(!fb_map());
}

TEST(high_addresses_wait_for_the_map)
{
	struct boot_framebuffer info = rgb(640, 400, 32, 0);
	uint16_t cell = CELL(0x1f, 'x');

	info.addr = 1ull << 35;
	CHECK(!fb_init(&info));
	CHECK(fb_map() && mapped);
	fb_display.draw(2, 3, &cell, 1);
	CHECK(shows(2, 3, cell));
}
