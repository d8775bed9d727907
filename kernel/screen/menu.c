/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the menu offers. */
#include "kernel/screen/menu.h"

#include "kernel/guest/guest.h"

static bool open(void)
{
	return !guest_closed();
}

static const struct menu_item menu[] = {
	{ 'a', .label = "Accept no new guests", .order = "accept off", .when = open },
	{ 'a', .label = "Accept guests again", .order = "accept on", .when = guest_closed },
	{ 'l', true, .label = "Log" },
	{ 'r', .label = "Restart the machine", .order = "reboot",
	  .confirm = "The node leaves its homes and starts anew." },
};

unsigned menu_items(const struct menu_item **items, unsigned max, bool all)
{
	unsigned n = 0;

	for (const struct menu_item *i = menu; i < menu + sizeof(menu) / sizeof(menu[0]); i++)
		if (n < max && (all || i->looks) && (!i->when || i->when()))
			items[n++] = i;
	return n;
}
