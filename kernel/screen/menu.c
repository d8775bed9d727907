/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the menu offers. */
#include "kernel/screen/menu.h"

#include "kernel/guest/guest.h"

#define LEAVES "The node leaves its homes and starts anew."

static bool open(void)
{
	return !guest_closed();
}

static const struct menu_item menu[] = {
	{ 'a', .label = "Accept no new guests", .order = "accept off", .when = open },
	{ 'a', .label = "Accept guests again", .order = "accept on", .when = guest_closed },
	{ 'l', true, .label = "Log" },
	{ 'o', .label = "Another order", .order = "", .ask = "The order", .choices = "help" },
	{ 'r', .label = "Restart the machine", .order = "reboot", .confirm = LEAVES },
};

unsigned menu_items(const struct menu_item **items, unsigned max, bool all)
{
	unsigned n = 0;

	for (const struct menu_item *i = menu; i < menu + sizeof(menu) / sizeof(menu[0]); i++)
		if (n < max && (all || i->looks) && (!i->when || i->when()))
			items[n++] = i;
	return n;
}
