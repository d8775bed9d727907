/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the menu offers. */
#include "kernel/screen/menu.h"

#include "kernel/guest/guest.h"

#define GUESTS_FIRST "Guests that are here are sent home first."

static bool open(void)
{
	return !guest_closed();
}

static const struct menu_item menu[] = {
	{ 'a', .label = "Accept no new guests", .order = "accept off", .when = open },
	{ 'a', .label = "Accept guests again", .order = "accept on", .when = guest_closed },
	{ 'h', .label = "Send all guests home", .order = "expel" },
	{ 'n', true, .label = "Nodes on the network", .order = "nodes" },
	{ 'l', true, .label = "Log" },
	{ 'i', .label = "Change the address", .order = "ip",
	  .ask = "A.B.C.D/LEN [GATEWAY], or dhcp (guests go home first)" },
	{ 'c', .label = "Choose the network card", .order = "card",
	  .ask = "ethN, or auto (guests go home first)", .choices = "card" },
	{ 'm', .label = "Name this node", .order = "name", .ask = "Its name" },
	{ 's', true, .label = "Settings", .order = "settings" },
	{ 'e', .label = "Edit a setting", .order = "set",
	  .ask = "NAME=VALUE, or NAME= to unset it; from the next start, if saved",
	  .choices = "settings" },
	{ 'w', .label = "Write settings to the boot medium", .order = "save" },
	{ 'o', .label = "Another order", .order = "", .ask = "The order", .choices = "help" },
	{ 'r', .label = "Restart the machine", .order = "reboot", .confirm = GUESTS_FIRST },
	{ 'p', .label = "Power off", .order = "poweroff", .confirm = GUESTS_FIRST },
};

unsigned menu_items(const struct menu_item **items, unsigned max, bool all)
{
	unsigned n = 0;

	for (const struct menu_item *i = menu; i < menu + sizeof(menu) / sizeof(menu[0]); i++)
		if (n < max && (all || i->looks) && (!i->when || i->when()))
			items[n++] = i;
	return n;
}
