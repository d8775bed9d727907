/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA's text mode, 80 x 25, in which a BIOS leaves the machine. Harmless where it is in a
 * graphics mode: the window at 0xb8000 is written and nobody sees it.
 */
#include <string.h>

#include "drivers/console/backends.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/page.h"

#define COLUMNS 80
#define ROWS 25
#define TEXT_PHYS 0xb8000
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

static void vga_draw(unsigned row, unsigned column, const uint16_t *cells, unsigned n)
{
	uint16_t *screen = phys_virt(TEXT_PHYS);

	memcpy(screen + row * COLUMNS + column, cells, n * sizeof(*cells));
}

static void vga_clear(void)
{
	uint16_t line[COLUMNS];

	for (unsigned i = 0; i < COLUMNS; i++)
		line[i] = CELL_BLANK;
	for (unsigned row = 0; row < ROWS; row++)
		vga_draw(row, 0, line, COLUMNS);
}

static void vga_cursor(int row, int column)
{
	/* Behind the last cell it is not seen. */
	uint16_t at = row < 0 ? ROWS * COLUMNS : row * COLUMNS + column;

	outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	outb(CRTC_DATA, at >> 8);
	outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	outb(CRTC_DATA, at & 0xff);
}

const struct display vga_display = {
	.rows = ROWS,
	.columns = COLUMNS,
	.draw = vga_draw,
	.clear = vga_clear,
	.cursor = vga_cursor,
};
