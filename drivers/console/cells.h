/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture made of character cells, and what can show one: VGA's text mode, a framebuffer, a
 * terminal on a serial line. Only cells that differ from what is shown are drawn. A cell is what
 * VGA has in its memory: the character of code page 437 in the low byte, colours in the high one
 * (background in bits 4-6, foreground in bits 0-3).
 *
 * A picture is used by one at a time: see console.h. Nothing here sleeps unless the display's draw
 * does.
 */
#ifndef DRIVERS_CONSOLE_CELLS_H
#define DRIVERS_CONSOLE_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a picture can have at most; a larger framebuffer has a margin. */
#define CELLS_ROWS_MAX 60
#define CELLS_COLUMNS_MAX 160

enum cell_colour {
	BLACK, BLUE, GREEN, CYAN, RED, MAGENTA, BROWN, GREY,
	BRIGHT = 8, /* added to a foreground */
	YELLOW = BRIGHT + BROWN, WHITE = BRIGHT + GREY
};

#define ATTR(foreground, background) ((foreground) | (background) << 4)
#define ATTR_PLAIN ATTR(GREY, BLACK)
#define CELL(attr, ch) ((uint16_t)((attr) << 8 | (uint8_t)(ch)))
#define CELL_BLANK CELL(ATTR_PLAIN, ' ')

/* Characters of code page 437 outside ASCII that the kernel uses; each has a stand-in (ansi.c). */
enum cell_char {
	CH_LIGHT = 0xfa, CH_VERTICAL = 0xb3,
	CH_TOP_RIGHT = 0xbf, CH_BOTTOM_LEFT = 0xc0, CH_HORIZONTAL = 0xc4, CH_BOTTOM_RIGHT = 0xd9,
	CH_TOP_LEFT = 0xda, CH_FULL = 0xfe
};

struct display {
	unsigned rows, columns;
	/* Shows n cells of a row from column on; they fit. */
	void (*draw)(unsigned row, unsigned column, const uint16_t *cells, unsigned n);
	/* All cells become CELL_BLANK. */
	void (*clear)(void);
	/*
	 * Puts the cursor there; row < 0: hides it. NULL: there is none, cells are drawn inverted.
	 */
	void (*cursor)(int row, int column);
	unsigned gap; /* so many unchanged cells are cheaper to draw again than to jump over */
};

struct picture {
	const struct display *display;
	unsigned rows, columns;
	uint16_t *cells;  /* what is wanted, row by row: for whoever paints */
	uint16_t *shown;  /* what the display has */
	int cursor_row, cursor_column; /* wanted; row < 0: none */
	int shown_row, shown_column;
};

/*
 * Both arrays have room for the display's cells and belong to the picture from now on. Draws
 * nothing.
 */
void picture_init(struct picture *p, const struct display *display, uint16_t *cells,
		  uint16_t *shown);

/* All cells blank, no cursor; draws nothing. */
void picture_erase(struct picture *p);

/* Draws what has changed. */
void picture_flush(struct picture *p);

/* Draws all, whatever the display has now. */
void picture_redraw(struct picture *p);

/* Text that runs over a picture as on a teletype: the log. Position of the next character. */
struct textlog {
	unsigned row, column;
};

/* Adds to the text and draws it. What is no character shows as one, but moves nothing. */
void textlog_write(struct textlog *log, struct picture *p, const char *s, size_t len);

#endif
