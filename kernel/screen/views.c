/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views that ask: the status with nothing above it, the menu, a question, a confirmation. */
#include <stdio.h>
#include <string.h>

#include "drivers/console/keys.h"
#include "kernel/orders.h"
#include "kernel/screen/head.h"
#include "kernel/screen/paint.h"

#define BOX ATTR(GREY, BLUE)
#define BOX_STRONG ATTR(WHITE, BLUE)
#define BOX_CHOSEN ATTR(BLACK, GREY)
#define BOX_WIDE 72
#define BOX_NARROW 40

/* --- the status ------------------------------------------------------------------------------- */

void head_status(struct head *h)
{
	job_put(h->job);
	h->job = NULL;
	h->view = &view_status;
}

const char *head_hint(const struct head *h)
{
	return h->console == CONSOLE_SERIAL ? "Enter: menu   L: log   Q: the plain log again" :
					      "Enter: menu   L: log";
}

static void status_key(struct head *h, int key)
{
	switch (key) {
	case KEY_ENTER:
	case KEY_UP:
	case KEY_DOWN:
	case ' ':
		head_menu(h);
		break;
	case 'l':
	case 'L':
		head_log(h);
		break;
	}
}

const struct view view_status = { NULL, status_key };

/* --- the menu --------------------------------------------------------------------------------- */

void head_menu(struct head *h)
{
	h->selected = 0;
	h->view = &view_menu;
}

static void menu_paint(struct head *h)
{
	const struct menu_item *items[MENU_MAX];
	unsigned n = menu_items(items, MENU_MAX, h->changes);
	struct box box = paint_box(h->picture, n, BOX_NARROW, BOX, "Menu",
				   "Enter: choose   Esc: back");

	for (unsigned i = 0; i < n; i++) {
		uint8_t attr = i == h->selected ? BOX_CHOSEN : BOX;

		paint_fill(h->picture, box.row + i, box.column, box.columns, attr, ' ');
		paint_text(h->picture, box.row + i, box.column + 1, attr == BOX ? BOX_STRONG : attr,
			   "%c", items[i]->key - 'a' + 'A');
		paint_text(h->picture, box.row + i, box.column + 4, attr, "%s", items[i]->label);
	}
}

static void menu_key(struct head *h, int key)
{
	const struct menu_item *items[MENU_MAX];
	unsigned n = menu_items(items, MENU_MAX, h->changes);

	/* What there is to choose may have changed. */
	if (h->selected >= n)
		h->selected = n - 1;
	switch (key) {
	case KEY_UP:
		h->selected = h->selected ? h->selected - 1 : n - 1;
		return;
	case KEY_DOWN:
		h->selected = h->selected + 1 < n ? h->selected + 1 : 0;
		return;
	case KEY_HOME:
	case KEY_PGUP:
		h->selected = 0;
		return;
	case KEY_END:
	case KEY_PGDN:
		h->selected = n - 1;
		return;
	case KEY_ENTER:
		head_choose(h, items[h->selected]);
		return;
	case KEY_ESC:
		head_status(h);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (key == items[i]->key || key == items[i]->key - 'a' + 'A') {
			h->selected = i;
			head_choose(h, items[i]);
			return;
		}
}

const struct view view_menu = { menu_paint, menu_key };

void head_choose(struct head *h, const struct menu_item *item)
{
	h->item = item;
	if (!item->order) {
		head_log(h);
	} else if (item->ask) {
		line_set(&h->line, "");
		h->top = 0;
		h->job = item->choices ? job_start(item->choices) : NULL;
		h->view = &view_ask;
	} else if (item->confirm) {
		h->view = &view_confirm;
	} else {
		head_order(h, item->order);
	}
}

/* --- a question ------------------------------------------------------------------------------- */

static void ask_paint(struct head *h)
{
	unsigned width = BOX_WIDE, most = h->picture->rows - 8, lines, rows, first;
	const char *hint = "Enter: do it   Esc: back";
	size_t len = 0;
	const char *choices = h->job ? job_text(h->job, &len) : "";
	struct box box, above;

	if (width + 2 > h->picture->columns)
		width = h->picture->columns - 2;
	lines = rows = text_lines(choices, len, width);
	if (rows > most) {
		rows = most;
		hint = "Enter: do it   Up, Down: scroll   Esc: back";
	}
	if (h->top > lines - rows)
		h->top = lines - rows;
	box = paint_box(h->picture, rows + 3, width, BOX, h->item->label, hint);
	above = (struct box){ box.row, box.column, rows, box.columns };
	paint_lines(h->picture, &above, BOX, choices, len, h->top);
	box.row += rows;
	paint_text(h->picture, box.row, box.column + 1, BOX, "%s:", h->item->ask);
	first = line_first(&h->line, box.columns - 2);
	paint_fill(h->picture, box.row + 1, box.column + 1, box.columns - 2, BOX_CHOSEN, ' ');
	paint_text(h->picture, box.row + 1, box.column + 1, BOX_CHOSEN, "%.*s",
		   (int)box.columns - 2, h->line.text + first);
	h->picture->cursor_row = box.row + 1;
	h->picture->cursor_column = box.column + 1 + h->line.at - first;
}

static void ask_key(struct head *h, int key)
{
	char order[ORDER_LINE_MAX];
	int len;

	if (key == KEY_ESC) {
		head_status(h);
	} else if (key == KEY_ENTER && h->line.len) {
		len = snprintf(order, sizeof(order), "%s%s%s", h->item->order,
			       *h->item->order ? " " : "", h->line.text);
		if (len < (int)sizeof(order))
			head_order(h, order);
	} else if (key == KEY_UP) {
		h->top -= h->top > 0;
	} else if (key == KEY_DOWN) {
		h->top++; /* painting finds where the end is */
	} else {
		line_key(&h->line, key);
	}
}

const struct view view_ask = { ask_paint, ask_key };

/* --- sure? ------------------------------------------------------------------------------------ */

static void confirm_paint(struct head *h)
{
	struct box box = paint_box(h->picture, 3, BOX_WIDE, BOX, h->item->label, "Y: yes   N: no");

	paint_text(h->picture, box.row, box.column + 1, BOX, "%s", h->item->confirm);
	paint_text(h->picture, box.row + 2, box.column + 1, BOX_STRONG, "Are you sure? (Y/N)");
}

static void confirm_key(struct head *h, int key)
{
	if (key == 'y' || key == 'Y')
		head_order(h, h->item->order);
	else if (key == 'n' || key == 'N' || key == KEY_ESC)
		head_status(h);
}

const struct view view_confirm = { confirm_paint, confirm_key };
