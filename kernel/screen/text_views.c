/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The views that show a text and scroll: the answer to an order, and the log. */
#include <stdio.h>
#include <string.h>

#include "drivers/console/keys.h"
#include "kernel/klog.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/orders.h"
#include "kernel/screen/head.h"
#include "kernel/screen/paint.h"

#define ANSWER ATTR(GREY, BLUE)
#define ANSWER_BAD ATTR(WHITE, RED)
#define ANSWER_WIDE 76

/* Shows the part of the text that was scrolled to, and keeps that within it. */
static void scrolled(struct head *h, const struct box *box, uint8_t attr, const char *text,
		     size_t len)
{
	unsigned lines = text_lines(text, len, box->columns);
	unsigned last = lines > box->rows ? lines - box->rows : 0;

	if (h->follow || h->top > last)
		h->top = last;
	h->follow = h->follow || h->top == last;
	paint_lines(h->picture, box, attr, text, len, h->top);
}

/* True if the key scrolled. */
static bool scroll(struct head *h, int key)
{
	unsigned page = h->picture->rows > 6 ? h->picture->rows - 6 : 1, top = h->top;

	switch (key) {
	case KEY_UP:
		top -= top > 0;
		break;
	case KEY_DOWN:
		top++;
		break;
	case KEY_PGUP:
		top -= top < page ? top : page;
		break;
	case KEY_PGDN:
	case ' ':
		top += page;
		break;
	case KEY_HOME:
		top = 0;
		break;
	case KEY_END:
		h->follow = true;
		return true;
	default:
		return false;
	}
	h->follow = false;
	h->top = top; /* painting finds where the end is */
	return true;
}

/* --- the answer to an order ------------------------------------------------------------------- */

/* Is it one that only looks? Its answer is read from the beginning, of the others the end counts. */
static bool looks(const char *line)
{
	size_t len = strcspn(line, " ");

	for (const struct order *o = orders; o->name; o++)
		if (strlen(o->name) == len && !memcmp(o->name, line, len))
			return o->looks;
	return true;
}

void head_order(struct head *h, const char *line)
{
	job_put(h->job);
	h->job = job_start(line);
	h->top = 0;
	h->follow = !looks(line);
	h->view = &view_answer;
}

static void answer_paint(struct head *h)
{
	unsigned most = h->picture->rows > 6 ? h->picture->rows - 6 : 1, rows;
	const char *text = "no memory to carry it out\n", *hint = "Enter: back";
	size_t len = strlen(text);
	uint8_t attr = ANSWER;
	int result = 0;
	struct box box;

	if (h->job) {
		text = job_text(h->job, &len);
		if (!job_done(h->job, &result))
			hint = "at work   Esc: back, it goes on";
	}
	if (!h->job || result)
		attr = ANSWER_BAD;
	rows = text_lines(text, len, ANSWER_WIDE);
	if (rows > most) {
		rows = most;
		hint = "Up, Down, PgUp, PgDn: scroll   Enter: back";
	}
	box = paint_box(h->picture, rows ? rows : 1, ANSWER_WIDE, attr,
			h->job ? job_line(h->job) : "Failed", hint);
	scrolled(h, &box, attr, text, len);
}

static void answer_key(struct head *h, int key)
{
	int result;

	if (scroll(h, key))
		return;
	if (key == KEY_ESC || key == 'q' || !h->job ||
	    (key == KEY_ENTER && job_done(h->job, &result)))
		head_status(h);
}

const struct view view_answer = { answer_paint, answer_key };

/* --- the log ---------------------------------------------------------------------------------- */

void head_log(struct head *h)
{
	h->log = kmalloc(KLOG_SIZE);
	h->log_len = 0;
	h->follow = h->log != NULL;
	if (h->log)
		h->view = &view_log;
}

static void log_paint(struct head *h)
{
	struct box box = paint_box(h->picture, h->picture->rows, h->picture->columns, ATTR_PLAIN,
				   "Log", "Up, Down, PgUp, PgDn, Home, End: scroll   Esc: back");

	/* What is being read does not move away. */
	if (h->follow) {
		uint64_t pos = 0;

		h->log_len = klog_read(&pos, h->log, KLOG_SIZE);
	}
	scrolled(h, &box, ATTR_PLAIN, h->log, h->log_len);
}

static void log_key(struct head *h, int key)
{
	if (scroll(h, key))
		return;
	if (key == KEY_ESC || key == KEY_ENTER || key == 'q' || key == 'l') {
		kfree(h->log);
		h->log = NULL;
		head_status(h);
	}
}

const struct view view_log = { log_paint, log_key };
