/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a line becomes an order, and an answer pieces; the orders are stand-ins.
 * Sources: kernel/orders.c
 */
#include "tests/unit/unit.h"

#include "kernel/orders_int.h"

static char got_args[ORDER_LINE_MAX];
static unsigned runs, logged;

static int take(char *args, struct order_out *out)
{
	runs++;
	strcpy(got_args, args);
	order_print(out, "done\n");
	return 0;
}

#define STAND_IN(name)                                                                     \
	int name(char *args, struct order_out *out)                                        \
	{                                                                                  \
		return take(args, out);                                                    \
	}
STAND_IN(order_status)
STAND_IN(order_log)
STAND_IN(order_settings)
STAND_IN(order_save)
STAND_IN(order_expel)
STAND_IN(order_ip)
STAND_IN(order_card)
STAND_IN(order_name)
STAND_IN(order_nodes)
STAND_IN(order_set)
STAND_IN(order_reboot)
STAND_IN(order_poweroff)

void kprintf(const char *fmt, ...)
{
	(void)fmt;
	logged++;
}

int order_accept(char *args, struct order_out *out)
{
	(void)out;
	runs++;
	return strcmp(args, "on") && strcmp(args, "off") ? -EINVAL : 0;
}

static char text[4096];

static int order(const char *line)
{
	struct order_out out = { .text = text, .size = sizeof(text) };

	return order_run(line, &out);
}

TEST(words_and_blanks)
{
	CHECK_EQ(order("status"), 0);
	CHECK_STR(got_args, "");
	CHECK_STR(text, "done\n");
	CHECK_EQ(order(" \t status  a  b\t "), 0);
	CHECK_STR(got_args, "a  b");
	CHECK_EQ(order("status\t"), 0);
	CHECK_STR(got_args, "");
}

TEST(what_is_no_order)
{
	static const char *const lines[] = { "", " ", "fly", "status2", "STATUS", "help me", "status\n",
					     "status \x1b[2J", "accept", "accept maybe", "accept on off",
					     "stat" };

	runs = 0;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK_EQ(order(lines[i]), -EINVAL);
		CHECK(strlen(text) > 5 && text[strlen(text) - 1] == '\n');
	}
	CHECK_EQ(runs, 3);
	CHECK_EQ(order("accept maybe"), -EINVAL);
	CHECK_STR(text, "accept wants: accept on|off\n");
}

TEST(length)
{
	char line[2 * ORDER_LINE_MAX];

	memset(line, 'a', sizeof(line));
	memcpy(line, "status ", 7);
	line[ORDER_LINE_MAX - 1] = '\0';
	CHECK_EQ(order(line), 0);
	CHECK_EQ(strlen(got_args), ORDER_LINE_MAX - 8);
	line[ORDER_LINE_MAX - 1] = 'a';
	line[ORDER_LINE_MAX] = '\0';
	CHECK_EQ(order(line), -EINVAL);
	/* Not even an end is needed to find that. */
	CHECK_EQ(order(memset(line, 'x', sizeof(line))), -EINVAL);
}

TEST(help_names_all)
{
	CHECK_EQ(order("help"), 0);
	for (const struct order *o = orders; o->name; o++) {
		CHECK(strstr(text, o->name) && strstr(text, o->args) && strstr(text, o->help));
		CHECK(*o->help);
	}
}

TEST(without_anybody_who_takes_it_text_is_cut)
{
	char small[16];
	struct order_out out = { .text = small, .size = sizeof(small) };

	CHECK_EQ(order_run("help", &out), 0);
	CHECK_EQ(out.len, sizeof(small) - 1);
	CHECK_EQ(small[sizeof(small) - 1], 0);
	CHECK(!strncmp(small, "help", 4));
}

static char all[4096];
static unsigned ends;
static int last_result;

static void deliver(struct order_out *out, bool last, int result)
{
	CHECK(!ends);
	CHECK(out->len < out->size && !out->text[out->len]);
	strcat(all, out->text);
	ends += last;
	last_result = result;
}

TEST(in_pieces_it_is_all_there_and_ends_once)
{
	for (unsigned size = 2; size < 300; size += 7) {
		char piece[300];
		struct order_out out = { .text = piece, .size = size, .deliver = deliver };

		all[0] = '\0';
		ends = 0;
		CHECK_EQ(order_run("help", &out), 0);
		CHECK_EQ(ends, 1);
		order("help");
		CHECK_STR(all, text);
	}
	ends = 0;
	CHECK_EQ(order_run("fly", &(struct order_out){ .text = text, .size = 100, .deliver = deliver }),
		 -EINVAL);
	CHECK_EQ(ends, 1);
	CHECK_EQ(last_result, -EINVAL);
}

TEST(word)
{
	char line[] = "  a bc\t d ", *args = line;

	CHECK_STR(order_word(&args), "a");
	CHECK_STR(order_word(&args), "bc");
	CHECK_STR(order_word(&args), "d");
	CHECK(!order_word(&args));
	CHECK(!order_word(&args));
}
