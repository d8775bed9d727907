/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screen's thread: paints what has changed, each second and after each key. kprintf() never
 * waits for it, and it takes no lock while it draws. While nobody looks it sleeps.
 */
#include <string.h>

#include "drivers/console/console.h"
#include "drivers/console/keys.h"
#include "kernel/init.h"
#include "kernel/kprintf.h"
#include "kernel/proc/thread.h"
#include "kernel/screen/head.h"
#include "kernel/settings.h"
#include "kernel/sync/waitq.h"
#include "kernel/time/clock.h"

#define PERIOD_NS NSEC_PER_SEC
#define CTRL_L ('L' & 0x1f)

static struct head heads[CONSOLE_COUNT];
static struct status status;

static void paint(struct head *h)
{
	status_paint(h->picture, &status, head_hint(h));
	if (h->view->paint)
		h->view->paint(h);
}

/* The first picture: the console shows the log so far. */
static void enter(struct head *h)
{
	h->picture = console_take(h->console);
	if (!h->picture)
		return;
	head_status(h);
	paint(h);
	picture_redraw(h->picture);
}

static void key(struct head *h, int key)
{
	const char *menu = setting_get("menu");

	h->changes = !menu || strcmp(menu, "off") != 0;
	if (!h->picture) {
		/*
		 * An Enter on a line of its own: what a modem echoes of our log must not open a
		 * menu.
		 */
		if (key == KEY_ENTER && !h->noise)
			enter(h);
		h->noise = key != KEY_ENTER;
	} else if (key == CTRL_L) {
		picture_redraw(h->picture);
	} else if (h->view == &view_status && h->console == CONSOLE_SERIAL &&
		   (key == 'q' || key == 'Q' || key == KEY_ESC)) {
		h->picture = NULL;
		console_give_back(h->console);
	} else {
		h->view->key(h, key);
	}
}

static bool anybody_looks(void)
{
	for (unsigned i = 0; i < CONSOLE_COUNT; i++)
		if (heads[i].picture)
			return true;
	return false;
}

static void screen_main(void *arg)
{
	uint64_t next = 0;

	(void)arg;
	console_input_start();
	status_collect(&status);
	enter(&heads[CONSOLE_SCREEN]);
	for (;;) {
		console_wait(anybody_looks() ? next : WAIT_FOREVER);
		for (unsigned i = 0; i < CONSOLE_COUNT; i++)
			for (int k; (k = console_key(i)) != KEY_NONE;)
				key(&heads[i], k);
		if (clock_now_ns() >= next && anybody_looks()) {
			status_collect(&status);
			next = clock_now_ns() + PERIOD_NS;
		}
		for (unsigned i = 0; i < CONSOLE_COUNT; i++)
			if (heads[i].picture) {
				paint(&heads[i]);
				picture_flush(heads[i].picture);
			}
	}
}

void screen_init(void)
{
	bool any = false;

	for (unsigned i = 0; i < CONSOLE_COUNT; i++) {
		heads[i].console = i;
		any |= console_exists(i);
	}
	if (any && !kthread_create("screen", screen_main, NULL))
		kprintf("screen: no memory: only messages are shown\n");
}
