/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VGA text screen, 80 x 25, scrolling. Harmless where the machine is in a graphics mode: the
 * window at 0xb8000 is written and nobody sees it.
 */
#include <stdint.h>
#include <string.h>

#include "drivers/console/console.h"
#include "kernel/cpu/x86.h"
#include "kernel/mm/page.h"

#define COLUMNS 80
#define ROWS 25
#define TEXT_PHYS 0xb8000
#define ATTRIBUTE 0x0700 /* light grey on black */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f

static int row, column;
/* Reading video memory is slow, so scrolling works on this copy. */
static uint16_t shadow[ROWS * COLUMNS];

static uint16_t *screen(void)
{
	return phys_virt(TEXT_PHYS);
}

static void vga_cursor(void)
{
	uint16_t at = row * COLUMNS + column;

	outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	outb(CRTC_DATA, at >> 8);
	outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	outb(CRTC_DATA, at & 0xff);
}

static void vga_flush(int from, int cells)
{
	memcpy(screen() + from, shadow + from, cells * sizeof(uint16_t));
}

void vga_init(void)
{
	for (int i = 0; i < ROWS * COLUMNS; i++)
		shadow[i] = ATTRIBUTE | ' ';
	row = column = 0;
	vga_flush(0, ROWS * COLUMNS);
	vga_cursor();
}

static bool vga_newline(void)
{
	column = 0;
	if (++row < ROWS)
		return false;
	row = ROWS - 1;
	memmove(shadow, shadow + COLUMNS, (ROWS - 1) * COLUMNS * sizeof(uint16_t));
	for (int i = 0; i < COLUMNS; i++)
		shadow[row * COLUMNS + i] = ATTRIBUTE | ' ';
	return true;
}

void vga_write(const char *s, size_t len)
{
	bool scrolled = false;
	int first = row;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n') {
			scrolled |= vga_newline();
		} else if (s[i] == '\r') {
			column = 0;
		} else if (s[i] == '\t') {
			column = (column | 7) + 1;
		} else {
			shadow[row * COLUMNS + column] = ATTRIBUTE | (uint8_t)s[i];
			column++;
		}
		if (column >= COLUMNS)
			scrolled |= vga_newline();
	}
	if (scrolled)
		first = 0;
	vga_flush(first * COLUMNS, (row - first + 1) * COLUMNS);
	vga_cursor();
}
