/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status screen as text, on screens of all sizes, and the pieces it is painted from.
 *
 * Sources: kernel/screen/status.c kernel/screen/paint.c drivers/console/cells.c
 */
#include "kernel/screen/paint.h"
#include "kernel/screen/status.h"
#include "tests/unit/unit.h"

static struct picture picture;

static void nothing_drawn(unsigned row, unsigned column, const uint16_t *cells, unsigned n)
{
	(void)row, (void)column, (void)cells, (void)n;
}

/*
 * The arrays are exactly as large as the picture, so that the sanitizer sees what is painted
 * outside.
 */
static struct picture *screen(unsigned rows, unsigned columns)
{
	static struct display display;
	static uint16_t *cells, *shown;

	free(cells);
	free(shown);
	cells = malloc(rows * columns * sizeof(*cells));
	shown = malloc(rows * columns * sizeof(*shown));
	display = (struct display){ .rows = rows, .columns = columns, .draw = nothing_drawn };
	picture_init(&picture, &display, cells, shown);
	return &picture;
}

static const char *row(unsigned n)
{
	static char s[CELLS_COLUMNS_MAX + 1];
	unsigned len = picture.columns;

	CHECK(n < picture.rows);
	for (unsigned i = 0; i < len; i++)
		s[i] = picture.cells[n * picture.columns + i] & 0xff;
	while (len && s[len - 1] == ' ')
		len--;
	s[len] = '\0';
	return s;
}

/* The number of the first row that contains the text. */
static unsigned find(const char *text)
{
	for (unsigned i = 0; i < picture.rows; i++)
		if (strstr(row(i), text))
			return i;
	for (unsigned i = 0; i < picture.rows; i++)
		printf("|%s\n", row(i));
	printf("FAIL: \"%s\" is nowhere\n", text);
	exit(1);
}

static struct status example(unsigned guests)
{
	static struct status s;

	s = (struct status){
		.net = { .name = "box3",
			 .card = "e1000 52:54:00:12:34:56",
			 .address = "10.0.0.3/24",
			 .state = "DHCP",
			 .link = true,
			 .sessions = 2 },
		.card = "eth0",
		.cards = 1,
		.mbit = 1000,
		.up_s = 3 * 3600 + 12 * 60,
		.rx_rate = 1300000,
		.cpus = 2,
		.load_milli = 1518,
		.mhz = 2596,
		.memory = 506ull << 20,
		.memory_used = 83ull << 20,
		.guests = guests,
		.listed = guests < STATUS_GUESTS ? guests : STATUS_GUESTS,
	};
	for (unsigned i = 0; i < s.listed; i++)
		s.guest[i] = (struct status_guest){
			.info = { .pid = 1000 + i,
				  .uid = i % 2 * 1000,
				  .comm = "python3",
				  .home = "desk",
				  .peer = "10.0.0.1:40000",
				  .threads = i + 1,
				  .cpu_ns = 1234567890ull * i,
				  .bytes = 5000000ull * i },
			.percent = 99,
		};
	s.messages_len = snprintf(s.messages, sizeof(s.messages), "first\nlast but one\nlast\n");
	return s;
}

TEST(the_status_says_it_all)
{
	struct status s = example(3);
	struct picture *p = screen(25, 80);

	s.guest[2].info.stopped = true;
	s.warnings = 1;
	strcpy(s.warning[0], "address 10.0.0.3 is used by another machine, too");
	status_paint(p, &s, "Enter: menu");
	CHECK_STR(
		row(0),
		" Muster node box3                                    up 3 h 12 min   Muster 0.1");
	CHECK_STR(row(2), " Address   10.0.0.3/24  DHCP");
	CHECK_STR(row(3), " Card      eth0 e1000 52:54:00:12:34:56, link up, 1000 Mbit/s");
	CHECK_STR(
		row(4),
		" Homes     2 connected, new guests are accepted          in 1.2 MB/s, out 0 B/s");
	CHECK(strstr(row(5), " 1.52 on 2 CPUs, 2596 MHz"));
	CHECK(strstr(row(6), " 83 MB of 506 MB in use"));
	CHECK_STR(row(8), " ! address 10.0.0.3 is used by another machine, too");
	CHECK_EQ(find("Guests 3"), 10);
	CHECK_STR(row(11),
		  " python3              1000   99 %    0.0 s      0 B  root of desk, 10.0.0.1");
	CHECK_STR(
		row(12),
		" python3 x2           1001   99 %    1.2 s   4.7 MB  uid 1000 of desk, 10.0.0.1");
	CHECK(strstr(row(13), "   stop    2.4 s   9.5 MB"));
	CHECK_EQ(find("Last messages"), 15);
	CHECK_STR(row(18), " last");
	CHECK_STR(row(24), " Enter: menu");
}

TEST(a_node_in_trouble_shows_it)
{
	struct status s = example(0);
	struct picture *p = screen(24, 80);

	s.net.address[0] = '\0';
	strcpy(s.net.state, "asking for an address (DHCP), 12 s");
	s.net.link = false;
	s.cards = 2;
	s.closed = true;
	status_paint(p, &s, "");
	CHECK_STR(row(2), " Address   none: asking for an address (DHCP), 12 s");
	CHECK_STR(row(3), " Card      eth0 of 2: e1000 52:54:00:12:34:56, link down");
	find("new guests are refused");
	find("none");
}

TEST(many_guests_leave_room_for_messages)
{
	struct status s = example(500);
	struct picture *p = screen(25, 80);

	status_paint(p, &s, "");
	CHECK_EQ(find("Guests 500"), 8);
	CHECK_EQ(find("Last messages"), 18);
	CHECK_EQ(find("and 493 more"), 16);
	find(" last");
	/* A larger screen shows more of them. */
	p = screen(60, 160);
	status_paint(p, &s, "");
	CHECK(strstr(row(find("1030 ")), "root of desk"));
	CHECK(find("more") > 40);
}

TEST(every_size_of_screen_is_painted_within)
{
	static const unsigned sizes[][2] = { { 1, 1 }, { 2, 10 }, { 8, 20 }, { 12, 40 }, { 24, 80 },
					     { 25, 80 }, { 37, 100 }, { 60, 160 } };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned guests = 0; guests < 70; guests += 3) {
			struct status s = example(guests);
			struct picture *p = screen(sizes[i][0], sizes[i][1]);

			s.warnings = guests % (STATUS_WARNINGS + 1);
			for (unsigned w = 0; w < s.warnings; w++)
				memset(s.warning[w], 'w', sizeof(s.warning[w]) - 1);
			s.messages_len = sizeof(s.messages);
			memset(s.messages, guests % 2 ? 'x' : '\n', sizeof(s.messages));
			status_paint(p, &s,
				     "a hint that is longer than most of these screens are wide");
			paint_box(p, guests, guests * 3, ATTR_PLAIN, "a title", "a hint");
		}
}

TEST(what_others_send_moves_nothing)
{
	struct picture *p = screen(2, 20);

	paint_text(p, 0, 0, ATTR_PLAIN, "%s", "a\033[2J\xe4\nb");
	CHECK_STR(row(0), "a?[2J??b");
	paint_right(p, 1, 5, ATTR_PLAIN, "%s", "1234567");
	CHECK_STR(row(1), "34567");
	CHECK_EQ(paint_text(p, 1, 18, ATTR_PLAIN, "long"), 22);
	CHECK_STR(row(1), "34567             lo");
}

TEST(bars_are_as_full_as_they_should_be)
{
	static const struct {
		uint64_t part, whole;
		unsigned full;
	} bars[] = { { 0, 100, 0 },    { 1, 1000, 1 },	 { 50, 100, 5 }, { 99, 100, 10 },
		     { 100, 100, 10 }, { 300, 100, 10 }, { 5, 0, 0 } };

	for (unsigned i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
		struct picture *p = screen(1, 12);
		unsigned full = 0;

		paint_bar(p, 0, 1, 10, ATTR_PLAIN, bars[i].part, bars[i].whole);
		for (unsigned c = 0; c < 12; c++)
			full += (p->cells[c] & 0xff) == CH_FULL;
		CHECK_EQ(full, bars[i].full);
		CHECK((p->cells[0] & 0xff) == ' ' && (p->cells[11] & 0xff) == ' ');
	}
}

TEST(long_texts_wrap_and_scroll)
{
	static const char text[] = "one\n\n0123456789abc\nend";
	struct picture *p = screen(4, 12);
	struct box area = { 0, 1, 3, 10 };

	CHECK_EQ(text_lines(text, strlen(text), 10), 5);
	CHECK_EQ(text_lines("", 0, 10), 0);
	CHECK_EQ(text_lines("x\n", 2, 10), 1);
	paint_lines(p, &area, ATTR_PLAIN, text, strlen(text), 0);
	CHECK_STR(row(0), " one");
	CHECK_STR(row(2), " 0123456789");
	CHECK_STR(row(3), "");
	paint_lines(p, &area, ATTR_PLAIN, text, strlen(text), 3);
	CHECK_STR(row(0), " abc");
	CHECK_STR(row(1), " end");
	CHECK_STR(row(2), "");
	paint_lines(p, &area, ATTR_PLAIN, text, strlen(text), 100);
	CHECK_STR(row(0), "");
}

TEST(sizes_and_times_are_for_people)
{
	char b[32];

	CHECK_STR(format_bytes(b, sizeof(b), 0), "0 B");
	CHECK_STR(format_bytes(b, sizeof(b), 1023), "1023 B");
	CHECK_STR(format_bytes(b, sizeof(b), 4096), "4 kB");
	CHECK_STR(format_bytes(b, sizeof(b), 1536 << 10), "1.5 MB");
	CHECK_STR(format_bytes(b, sizeof(b), 506ull << 20), "506 MB");
	CHECK_STR(format_bytes(b, sizeof(b), 2ull << 40), "2.0 TB");
	CHECK_STR(format_bytes(b, sizeof(b), UINT64_MAX), "16777215 TB");
	CHECK_STR(format_time(b, sizeof(b), 59), "59 s");
	CHECK_STR(format_time(b, sizeof(b), 125), "2 min 5 s");
	CHECK_STR(format_time(b, sizeof(b), 3 * 86400 + 7200), "3 d 2 h");
}
