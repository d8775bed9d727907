/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout, from 80 x 24 up: the node, its bars, what is wrong, guests, and the last messages,
 * which get what the guests leave.
 */
#include "kernel/screen/status.h"

#include <stdio.h>
#include <string.h>

#include "kernel/screen/paint.h"
#include "proto/version.h"

#define VALUES 11	/* column */
#define BAR 30		/* cells */
#define MESSAGES_MIN 5	/* rows */

#define TITLE ATTR(WHITE, BLUE)
#define LABEL ATTR(CYAN, BLACK)
#define HEAD ATTR(WHITE, BLACK)
#define GOOD ATTR(BRIGHT + GREEN, BLACK)
#define MEDIUM ATTR(YELLOW, BLACK)
#define BAD ATTR(BRIGHT + RED, BLACK)
#define FAINT ATTR(BRIGHT + BLACK, BLACK)

static void title(struct picture *p, const struct status *s)
{
	char up[32];

	paint_fill(p, 0, 0, p->columns, TITLE, ' ');
	paint_text(p, 0, 1, TITLE, "Muster node %s", s->net.name);
	paint_right(p, 0, p->columns - 1, TITLE, "up %s   Muster %s",
		    format_time(up, sizeof(up), s->up_s), MUSTER_VERSION);
}

static void network(struct picture *p, const struct status *s, unsigned row)
{
	char rx[16], tx[16];
	unsigned column;

	paint_text(p, row, 1, LABEL, "Address");
	if (*s->net.address) {
		column = paint_text(p, row, VALUES, HEAD, "%s", s->net.address);
		paint_text(p, row, column, ATTR_PLAIN, "  %s", s->net.state);
	} else {
		paint_text(p, row, VALUES, MEDIUM, "none%s%s", *s->net.state ? ": " : "",
			   s->net.state);
	}
	paint_text(p, row + 1, 1, LABEL, "Card");
	column = paint_text(p, row + 1, VALUES, ATTR_PLAIN, "%s%s", s->card, *s->card ? " " : "");
	if (s->cards > 1)
		column = paint_text(p, row + 1, column, ATTR_PLAIN, "of %u: ", s->cards);
	column = paint_text(p, row + 1, column, ATTR_PLAIN, "%s", s->net.card);
	if (s->cards && !s->net.link)
		paint_text(p, row + 1, column, BAD, ", link down");
	else if (s->cards)
		column = paint_text(p, row + 1, column, ATTR_PLAIN, ", link up");
	if (s->net.link && s->mbit)
		paint_text(p, row + 1, column, ATTR_PLAIN, ", %u Mbit/s", (unsigned)s->mbit);
	paint_text(p, row + 2, 1, LABEL, "Homes");
	column = paint_text(p, row + 2, VALUES, ATTR_PLAIN, "%u connected, ", s->net.sessions);
	paint_text(p, row + 2, column, s->closed ? MEDIUM : ATTR_PLAIN, "new guests are %s",
		   s->closed ? "refused" : "accepted");
	paint_right(p, row + 2, p->columns - 1, ATTR_PLAIN, "in %s/s, out %s/s",
		    format_bytes(rx, sizeof(rx), s->rx_rate),
		    format_bytes(tx, sizeof(tx), s->tx_rate));
}

static uint8_t bar_colour(uint64_t part, uint64_t whole)
{
	return part * 10 > whole * 9 ? BAD : part * 10 > whole * 7 ? MEDIUM : GOOD;
}

static void bars(struct picture *p, const struct status *s, unsigned row)
{
	unsigned load = (s->load_milli + 5) / 10, whole = s->cpus * 1000;
	char used[16], all[16];

	paint_text(p, row, 1, LABEL, "Load");
	/* All CPUs in use is what a node is for. */
	paint_bar(p, row, VALUES, BAR, s->load_milli > 2 * whole ? MEDIUM : GOOD, s->load_milli,
		  whole);
	paint_text(p, row, VALUES + BAR + 2, ATTR_PLAIN, "%u.%02u on %u CPU%s, %lu MHz", load / 100,
		   load % 100, s->cpus, s->cpus == 1 ? "" : "s", s->mhz);
	paint_text(p, row + 1, 1, LABEL, "Memory");
	paint_bar(p, row + 1, VALUES, BAR, bar_colour(s->memory_used, s->memory), s->memory_used,
		  s->memory);
	paint_text(p, row + 1, VALUES + BAR + 2, ATTR_PLAIN, "%s of %s in use",
		   format_bytes(used, sizeof(used), s->memory_used),
		   format_bytes(all, sizeof(all), s->memory));
}

/* Tenths of seconds, or minutes, or hours. */
static const char *cpu_time(char *buf, size_t size, uint64_t ns)
{
	unsigned long tenths = ns / 100000000, seconds = tenths / 10;

	if (seconds < 1000)
		snprintf(buf, size, "%lu.%lu s", seconds, tenths % 10);
	else if (seconds < 60000)
		snprintf(buf, size, "%lu min", seconds / 60);
	else
		snprintf(buf, size, "%lu h", seconds / 3600);
	return buf;
}

/* Columns of the list of guests: where the text begins, and where numbers end. */
enum { COMMAND = 1, PID_END = 26, CPU_END = 33, TIME_END = 42, MEMORY_END = 51, WHOSE = 53 };

static void guest(struct picture *p, unsigned row, const struct status_guest *g)
{
	const struct guest_info *i = &g->info;
	char time[24], bytes[16];
	unsigned column;

	column = paint_text(p, row, COMMAND, HEAD, "%s", i->comm);
	if (i->threads > 1)
		paint_text(p, row, column, FAINT, " x%u", i->threads);
	paint_right(p, row, PID_END, ATTR_PLAIN, " %u", (unsigned)i->pid);
	if (i->stopped)
		paint_right(p, row, CPU_END, MEDIUM, "stop");
	else
		paint_right(p, row, CPU_END, ATTR_PLAIN, "%u %%", g->percent);
	paint_right(p, row, TIME_END, ATTR_PLAIN, "%s", cpu_time(time, sizeof(time), i->cpu_ns));
	paint_right(p, row, MEMORY_END, ATTR_PLAIN, "%s",
		    format_bytes(bytes, sizeof(bytes), i->bytes));
	if (i->uid)
		column = paint_text(p, row, WHOSE, ATTR_PLAIN, "uid %u", (unsigned)i->uid);
	else
		column = paint_text(p, row, WHOSE, ATTR_PLAIN, "root");
	paint_text(p, row, column, ATTR_PLAIN, " of %s, %.*s", i->home, (int)strcspn(i->peer, ":"),
		   i->peer);
}

/* In the rows from `row` up to `end`. Returns the first that is left. */
static unsigned guests(struct picture *p, const struct status *s, unsigned row, unsigned end)
{
	unsigned shown = 0;

	if (!s->guests) {
		paint_text(p, row, 1, HEAD, "Guests");
		paint_text(p, row, VALUES, FAINT, "none");
		return row + 1;
	}
	paint_text(p, row, COMMAND, HEAD, "Guests %u", s->guests);
	paint_right(p, row, PID_END, FAINT, "PID");
	paint_right(p, row, CPU_END, FAINT, "CPU");
	paint_right(p, row, TIME_END, FAINT, "TIME");
	paint_right(p, row, MEMORY_END, FAINT, "MEMORY");
	paint_text(p, row, WHOSE, FAINT, "WHOSE, FROM");
	row++;
	while (shown < s->listed && row < end) {
		if (row + 1 == end && s->guests - shown > 1)
			break;
		guest(p, row++, &s->guest[shown++]);
	}
	if (shown < s->guests && row < end)
		paint_text(p, row++, COMMAND, FAINT, "and %u more", s->guests - shown);
	return row;
}

static void messages(struct picture *p, const struct status *s, unsigned row, unsigned end)
{
	struct box area = { row + 1, 1, end > row + 1 ? end - row - 1 : 0, p->columns - 2 };
	unsigned lines = text_lines(s->messages, s->messages_len, area.columns);

	if (row >= end)
		return;
	paint_text(p, row, 1, HEAD, "Last messages");
	paint_lines(p, &area, ATTR_PLAIN, s->messages, s->messages_len,
		    lines > area.rows ? lines - area.rows : 0);
}

void status_paint(struct picture *p, const struct status *s, const char *hint)
{
	unsigned last = p->rows ? p->rows - 1 : 0, row = 8;

	picture_erase(p);
	title(p, s);
	network(p, s, 2);
	bars(p, s, 5);
	for (unsigned i = 0; i < s->warnings; i++)
		paint_text(p, row++, 1, BAD, "! %s", s->warning[i]);
	if (s->warnings)
		row++;
	row = guests(p, s, row, last > MESSAGES_MIN + 2 ? last - MESSAGES_MIN - 2 : 0) + 1;
	messages(p, s, row, last);
	paint_fill(p, last, 0, p->columns, TITLE, ' ');
	paint_text(p, last, 1, TITLE, "%s", hint);
}
