/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pictures of cells: what is drawn is what has changed, on a display without a cursor, too; text
 * scrolls; and a VT100, which is emulated here from ECMA-48, ends up showing the picture whatever
 * was painted in between.
 *
 * Sources: drivers/console/cells.c drivers/console/ansi.c
 */
#include "drivers/console/ansi.h"
#include "drivers/console/cells.h"
#include "tests/unit/unit.h"

#define ROWS 7
#define COLUMNS 31

static uint16_t cells[ROWS * COLUMNS], shown[ROWS * COLUMNS];

/* --- a display that notes what was drawn --- */

static uint16_t device[ROWS * COLUMNS];
static unsigned calls, drawn;

static void note_draw(unsigned row, unsigned column, const uint16_t *c, unsigned n)
{
	CHECK(row < ROWS && n && column + n <= COLUMNS);
	memcpy(device + row * COLUMNS + column, c, n * sizeof(*c));
	calls++;
	drawn += n;
}

static void note_clear(void)
{
	for (unsigned i = 0; i < ROWS * COLUMNS; i++)
		device[i] = CELL_BLANK;
}

static const struct display plain = { ROWS, COLUMNS, note_draw, note_clear, NULL, 0 };
static const struct display jumpy = { ROWS, COLUMNS, note_draw, note_clear, NULL, 3 };

static struct picture start(const struct display *d)
{
	struct picture p;

	picture_init(&p, d, cells, shown);
	picture_redraw(&p);
	calls = drawn = 0;
	return p;
}

static void put(struct picture *p, unsigned row, unsigned column, const char *s)
{
	for (; *s; s++)
		p->cells[row * COLUMNS + column++] = CELL(ATTR_PLAIN, *s);
}

TEST(only_what_has_changed_is_drawn)
{
	struct picture p = start(&plain);

	picture_flush(&p);
	CHECK_EQ(calls, 0);
	put(&p, 2, 5, "abc");
	put(&p, 2, 10, "d");
	put(&p, 6, 30, "e");
	picture_flush(&p);
	CHECK_EQ(calls, 3);
	CHECK_EQ(drawn, 5);
	CHECK(!memcmp(device, cells, sizeof(cells)));
	put(&p, 2, 5, "aXc");
	picture_flush(&p);
	CHECK_EQ(drawn, 6);
	p.cells[0] = CELL(ATTR(RED, BLACK), ' '); /* a colour alone counts */
	picture_flush(&p);
	CHECK_EQ(drawn, 7);
}

TEST(short_gaps_are_drawn_instead_of_jumped_over)
{
	struct picture p = start(&jumpy);

	put(&p, 0, 0, "a");
	put(&p, 0, 4, "b"); /* three between */
	put(&p, 0, 9, "c"); /* four between */
	picture_flush(&p);
	CHECK_EQ(calls, 2);
	CHECK_EQ(drawn, 6);
	CHECK(!memcmp(device, cells, sizeof(cells)));
}

TEST(a_cursor_that_is_missing_is_an_inverted_cell)
{
	struct picture p = start(&plain);

	put(&p, 1, 1, "x");
	p.cursor_row = p.cursor_column = 1;
	picture_flush(&p);
	CHECK_EQ(device[COLUMNS + 1], CELL(ATTR(BLACK, GREY), 'x'));
	CHECK_EQ(cells[COLUMNS + 1], CELL(ATTR_PLAIN, 'x'));
	p.cursor_row = -1;
	picture_flush(&p);
	CHECK(!memcmp(device, cells, sizeof(cells)));
	p.cursor_row = ROWS; /* outside */
	picture_flush(&p);
	CHECK(!memcmp(device, cells, sizeof(cells)));
}

static const char *device_row(unsigned row)
{
	static char s[COLUMNS + 1];
	unsigned n = COLUMNS;

	for (unsigned i = 0; i < COLUMNS; i++)
		s[i] = device[row * COLUMNS + i] & 0xff;
	while (n && s[n - 1] == ' ')
		n--;
	s[n] = '\0';
	return s;
}

TEST(text_wraps_and_scrolls)
{
	struct picture p = start(&plain);
	struct textlog log = { 0 };
	char line[16];

	textlog_write(&log, &p, "one\ntwo", 7);
	textlog_write(&log, &p, " more\r\n", 7);
	CHECK_STR(device_row(0), "one");
	CHECK_STR(device_row(1), "two more");
	textlog_write(&log, &p, "0123456789012345678901234567890123\n", 35);
	CHECK_STR(device_row(2), "0123456789012345678901234567890");
	CHECK_STR(device_row(3), "123");
	textlog_write(&log, &p, "a\tb\033[2J\n", 8); /* moves nothing */
	CHECK_STR(device_row(4), "a       b\033[2J");
	for (int i = 0; i < 100; i++)
		textlog_write(&log, &p, line, snprintf(line, sizeof(line), "line %d\n", i));
	CHECK_STR(device_row(0), "line 94");
	CHECK_STR(device_row(ROWS - 2), "line 99");
	/* A line that is just full makes no empty one. */
	textlog_write(&log, &p, "0123456789012345678901234567890", 31);
	textlog_write(&log, &p, "\nend", 4);
	CHECK_STR(device_row(ROWS - 2), "0123456789012345678901234567890");
}

/* --- a terminal ------------------------------------------------------------------------------- */

static struct {
	unsigned row, column;
	bool pending_wrap, hidden, wrap;
	unsigned attr;
	uint16_t cell[ROWS * COLUMNS];
	char sequence[32];
	unsigned len;
	unsigned bytes;
} term;

static unsigned vga_colour(unsigned ansi)
{
	return (ansi & 1) << 2 | (ansi & 2) | (ansi & 4) >> 2;
}

static void term_sgr(void)
{
	char *at = term.sequence + 1, *end;

	do {
		unsigned long n = strtoul(at, &end, 10);

		if (n == 0)
			term.attr = ATTR_PLAIN;
		else if (n == 1)
			term.attr |= BRIGHT;
		else if (n >= 30 && n <= 37)
			term.attr = (term.attr & 0xf8) | vga_colour(n - 30);
		else if (n >= 40 && n <= 47)
			term.attr = (term.attr & 0x0f) | vga_colour(n - 40) << 4;
		else
			CHECK(!"a rendition that is not expected");
		at = end + 1;
	} while (*end == ';');
}

static void term_sequence(char last)
{
	unsigned row, column;

	if (last == 'm') {
		term_sgr();
	} else if (last == 'H') {
		row = column = 1;
		sscanf(term.sequence, "[%u;%uH", &row, &column);
		CHECK(row >= 1 && row <= ROWS && column >= 1 && column <= COLUMNS);
		term.row = row - 1;
		term.column = column - 1;
	} else if (!strcmp(term.sequence, "[2J")) {
		for (unsigned i = 0; i < ROWS * COLUMNS; i++)
			term.cell[i] = CELL(term.attr, ' ');
	} else if (!strcmp(term.sequence, "[?25l") || !strcmp(term.sequence, "[?25h")) {
		term.hidden = last == 'l';
	} else if (!strcmp(term.sequence, "[?7l") || !strcmp(term.sequence, "[?7h")) {
		term.wrap = last == 'h';
	} else {
		printf("ESC %s\n", term.sequence);
		CHECK(!"a sequence that is not expected");
	}
}

static void term_byte(char c)
{
	term.bytes++;
	if (term.len) {
		CHECK(term.len < sizeof(term.sequence));
		term.sequence[term.len - 1] = c;
		term.sequence[term.len] = '\0';
		if ((c >= '@' && c <= '~') && term.len > 1) {
			term.len = 0;
			term_sequence(c);
		} else {
			term.len++;
		}
		return;
	}
	if (c == '\033') {
		term.len = 1;
		return;
	}
	CHECK(c >= ' ' && c <= '~');
	CHECK(!term.wrap);
	term.cell[term.row * COLUMNS + term.column] = CELL(term.attr, c);
	/* Which of the two it does after the last column is left to chance. */
	if (term.column < COLUMNS - 1)
		term.column++;
	else
		term.column = rand() % 2 ? COLUMNS - 1 : 0;
}

static void term_send(const char *s, size_t len)
{
	CHECK(len);
	for (size_t i = 0; i < len; i++)
		term_byte(s[i]);
}

static struct ansi ansi = { .send = term_send };

static void draw(unsigned row, unsigned column, const uint16_t *c, unsigned n)
{
	ansi_draw(&ansi, row, column, c, n);
}

static void clear(void)
{
	ansi_clear(&ansi);
}

static void cursor(int row, int column)
{
	ansi_cursor(&ansi, row, column);
}

static const struct display terminal = { ROWS, COLUMNS, draw, clear, cursor, ANSI_GAP };

/* Of a blank, nobody sees the foreground. */
static unsigned looks(uint16_t cell)
{
	return (cell & 0xff) == ' ' ? cell & 0x70ff : cell & 0x7fff;
}

TEST(a_terminal_shows_the_picture)
{
	static const uint8_t some[] = { ' ', 'a', 'Z', '~', CH_FULL, CH_HORIZONTAL, 0, 0x80, 27 };
	struct picture p;

	srand(7);
	memset(&term, 0xff, sizeof(term)); /* whatever was there */
	term.len = 0;
	term.row = term.column = 3;
	picture_init(&p, &terminal, cells, shown);
	picture_redraw(&p);
	for (unsigned round = 0; round < 3000; round++) {
		unsigned n = rand() % 40, at = rand() % (ROWS * COLUMNS);
		uint8_t attr = rand() % 3 ? rand() & 0x7f : ATTR_PLAIN;

		for (; n && at < ROWS * COLUMNS; n--, at++)
			p.cells[at] = CELL(attr, some[rand() % sizeof(some)]);
		p.cursor_row = rand() % 3 ? rand() % ROWS : -1;
		p.cursor_column = rand() % COLUMNS;
		picture_flush(&p);
		for (unsigned i = 0; i < ROWS * COLUMNS; i++)
			CHECK_EQ(looks(term.cell[i]),
				 looks(CELL(cells[i] >> 8, ansi_char(cells[i] & 0xff))));
		CHECK_EQ(term.hidden, p.cursor_row < 0);
		if (p.cursor_row >= 0)
			CHECK(term.row == (unsigned)p.cursor_row &&
			      term.column == (unsigned)p.cursor_column);
		if (round % 1000 == 500)
			picture_redraw(&p);
	}
}

TEST(a_picture_that_stays_sends_nothing)
{
	struct picture p;

	picture_init(&p, &terminal, cells, shown);
	picture_redraw(&p);
	picture_flush(&p);
	term.bytes = 0;
	picture_flush(&p);
	CHECK_EQ(term.bytes, 0);
	p.cells[3] = CELL(ATTR_PLAIN, 'x');
	picture_flush(&p);
	CHECK(term.bytes && term.bytes <= 8); /* to its place, and it */
}
