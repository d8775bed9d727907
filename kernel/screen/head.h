/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One place where somebody looks at the node: the machine's screen or a terminal on the serial
 * line. Each has its own view. All of it belongs to the screen's thread.
 */
#ifndef KERNEL_SCREEN_HEAD_H
#define KERNEL_SCREEN_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "drivers/console/console.h"
#include "kernel/screen/job.h"
#include "kernel/screen/line.h"
#include "kernel/screen/menu.h"
#include "kernel/screen/status.h"

struct head;

/*
 * What a head shows above the status, and what keys mean there. Views are told apart by their
 * address.
 */
struct view {
	void (*paint)(struct head *h); /* NULL: nothing above the status */
	void (*key)(struct head *h, int key);
};

struct head {
	enum console_id console;
	struct picture *picture;	/* NULL: the log goes there, nothing is painted */
	bool noise;			/* meanwhile something was typed that is no Enter */
	const struct view *view;
	bool changes;			/* the menu may change something (menu=) */

	unsigned selected;		/* view_menu: the item under the bar */
	const struct menu_item *item;	/* view_ask, view_confirm: what was chosen */
	struct line line;		/* view_ask */
	struct job *job; /* view_answer: its answer; view_ask: the choices, or NULL */

	/* What scrolls in view_log and view_answer; view_ask has choices above its question. */
	char *log;			/* a copy of the log; NULL outside of view_log */
	size_t log_len;
	unsigned top;			/* the first line shown */
	bool follow;			/* the last line stays in sight */
};

extern const struct view view_status, view_menu, view_ask, view_confirm, view_answer, view_log;

/* Begin showing something else. */
void head_status(struct head *h);
void head_menu(struct head *h);
void head_choose(struct head *h, const struct menu_item *item);
void head_log(struct head *h);
void head_order(struct head *h, const char *line);

/* What the last row of the status says about keys. */
const char *head_hint(const struct head *h);

#endif
