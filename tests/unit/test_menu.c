/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The menu offers only orders that there are, each under a key of its own. */
#include "tests/unit/unit.h"

#include "kernel/screen/menu.c"

static bool closed;

bool guest_closed(void)
{
	return closed;
}

static bool is_order(const char *line)
{
	static const char *const names[] = {
#define ORDER(name, args, kind, help) #name,
#include "proto/orders.def"
#undef ORDER
	};
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], line, len))
			return true;
	return false;
}

TEST(all_orders_exist)
{
	for (const struct menu_item *i = menu; i < menu + sizeof(menu) / sizeof(menu[0]); i++) {
		if (!i->order || !*i->order)
			continue;
		CHECK(is_order(i->order));
		CHECK(!i->choices || is_order(i->choices));
	}
}

TEST(keys_are_told_apart_and_all_items_fit)
{
	const struct menu_item *items[MENU_MAX];

	for (int round = 0; round < 2; round++, closed = true) {
		unsigned n = menu_items(items, MENU_MAX, true);

		CHECK_EQ(n, sizeof(menu) / sizeof(menu[0]) - 1);
		CHECK(!strcmp(items[0]->order, closed ? "accept on" : "accept off"));
		for (unsigned i = 0; i < n; i++)
			for (unsigned k = 0; k < i; k++)
				CHECK(items[i]->key != items[k]->key);
	}
}

TEST(a_node_that_must_not_be_changed_can_be_looked_at)
{
	const struct menu_item *items[MENU_MAX];
	unsigned n = menu_items(items, MENU_MAX, false);

	CHECK(n > 0);
	for (unsigned i = 0; i < n; i++) {
		CHECK(items[i]->looks && !items[i]->ask);
		CHECK(!items[i]->order || (strcmp(items[i]->order, "nodes") == 0) ||
		      (strcmp(items[i]->order, "settings") == 0));
	}
}
