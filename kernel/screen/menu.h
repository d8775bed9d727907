/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The menu: orders (kernel/orders.h) with a name for people and, where an order needs one, a
 * question. The table in menu.c is all there is to it.
 */
#ifndef KERNEL_SCREEN_MENU_H
#define KERNEL_SCREEN_MENU_H

#include <stdbool.h>
#include <stddef.h>

struct menu_item {
	char key;
	bool looks;		/* and changes nothing: there even with menu=off */
	const char *label;
	const char *order;	/* NULL: the log */
	const char *ask;	/* what is to be typed behind the order; NULL: nothing */
	const char *choices;	/* an order whose answer helps to type it, or NULL */
	const char *confirm;	/* what to think of before saying yes; NULL: done at once */
	bool (*when)(void);	/* shown only when this holds; NULL: always */
};

/*
 * The items to be shown now, in order; the pointers are to the table. Returns how many, at most
 * max.
 */
unsigned menu_items(const struct menu_item **items, unsigned max, bool all);

#define MENU_MAX 24

#endif
