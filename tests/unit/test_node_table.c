/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node table: numbers stay with machines, restarts replace, silence and goodbyes remove.
 * Sources: userland/musterd/table.c
 */
#include "tests/unit/unit.h"

#include "userland/musterd/table.h"

static struct table t;
static const struct table_node *n;

/* Boot `boot` of the machine called name, at 10.0.0.host. */
static struct announce from(const char *name, uint8_t boot, uint8_t mac, uint8_t host, uint32_t seq)
{
	struct announce a = { .magic = ANNOUNCE_MAGIC, .version = WIRE_VERSION, .port = 7746,
			      .ncpu = 1, .seq = seq, .id = { boot }, .mac = { 2, 0, 0, 0, 0, mac },
			      .ip = { 10, 0, 0, host }, .program = "0.1" };

	snprintf(a.name, sizeof(a.name), "%s", name);
	return a;
}

static enum table_event hear(struct announce a, uint64_t now)
{
	return table_hear(&t, &a, 0x0100007f, now, &n);
}

TEST(numbers_follow_names_then_arrival)
{
	CHECK_EQ(hear(from("box", 1, 1, 1, 1), 0), TABLE_NEW);
	CHECK_EQ(n->number, 1);
	CHECK_EQ(hear(from("node7", 2, 2, 2, 1), 0), TABLE_NEW);
	CHECK_EQ(n->number, 7);
	CHECK_EQ(hear(from("node1", 3, 3, 3, 1), 0), TABLE_NEW);
	CHECK_EQ(n->number, 2);
	CHECK_EQ(hear(from("99999", 4, 4, 4, 1), 0), TABLE_NEW);
	CHECK_EQ(n->number, 3);
	for (unsigned i = 1; i < t.count; i++)
		CHECK(t.nodes[i - 1].number < t.nodes[i].number);
	table_free(&t);
}

TEST(the_address_is_the_senders_unless_said)
{
	struct announce a = from("a", 1, 1, 0, 1);

	memset(a.ip, 0, 4);
	hear(a, 0);
	CHECK_STR(n->addr, "127.0.0.1");
	hear(from("b", 2, 2, 9, 1), 0);
	CHECK_STR(n->addr, "10.0.0.9");
	table_free(&t);
}

TEST(duplicates_and_overtaken_ones_change_nothing)
{
	hear(from("a", 1, 1, 1, 5), 100);
	CHECK_EQ(hear(from("a", 1, 1, 1, 5), 200), TABLE_OLD);
	CHECK_EQ(hear(from("a", 1, 1, 1, 4), 200), TABLE_OLD);
	CHECK_EQ(n->heard_ms, 100);
	CHECK_EQ(hear(from("a", 1, 1, 1, 6), 300), TABLE_SAME);
	CHECK_EQ(n->heard_ms, 300);
	CHECK_EQ(t.count, 1);
	table_free(&t);
}

TEST(a_restart_replaces_and_keeps_the_number)
{
	hear(from("x", 1, 1, 1, 1), 0);
	hear(from("a", 2, 2, 2, 50), 0);
	CHECK_EQ(n->number, 2);
	/* At once, at the same address: nobody else can be there. */
	CHECK_EQ(hear(from("a", 3, 2, 2, 1), 10), TABLE_BACK);
	CHECK_EQ(n->number, 2);
	CHECK_EQ(t.count, 2);
	/* Later, with another address: known by its MAC. */
	CHECK_EQ(hear(from("a", 4, 2, 77, 1), 60000), TABLE_BACK);
	CHECK_EQ(n->number, 2);
	table_free(&t);
}

TEST(two_machines_with_one_mac_are_two)
{
	hear(from("node1", 1, 9, 1, 1), 0);
	hear(from("node2", 2, 9, 2, 1), 10);
	CHECK_EQ(t.count, 2);
	CHECK_EQ(hear(from("node1", 1, 9, 1, 2), 1000), TABLE_SAME);
	CHECK_EQ(hear(from("node2", 2, 9, 2, 2), 1010), TABLE_SAME);
	/* Both restart after a long silence: each finds its own place by its name. */
	CHECK_EQ(hear(from("node2", 12, 9, 22, 1), 90000), TABLE_BACK);
	CHECK_EQ(n->number, 2);
	CHECK_EQ(hear(from("node1", 11, 9, 21, 1), 90010), TABLE_BACK);
	CHECK_EQ(n->number, 1);
	table_free(&t);
}

TEST(silence_ends_and_a_goodbye_ends_at_once)
{
	struct announce bye = from("a", 1, 1, 1, 2);

	hear(from("a", 1, 1, 1, 1), 0);
	hear(from("b", 2, 2, 2, 1), 0);
	table_expire(&t, ANNOUNCE_EXPIRY_MS, NULL);
	CHECK(t.nodes[0].alive && t.nodes[1].alive);
	bye.flags = ANNOUNCE_GOODBYE;
	CHECK_EQ(hear(bye, 100), TABLE_BYE);
	CHECK(!t.nodes[0].alive && t.nodes[1].alive);
	CHECK_EQ(hear(bye, 110), TABLE_OLD);
	CHECK(!n);
	table_expire(&t, ANNOUNCE_EXPIRY_MS + 1, NULL);
	CHECK(!t.nodes[1].alive);
	CHECK_EQ(hear(from("b", 2, 2, 2, 9), 20000), TABLE_BACK);
	CHECK_EQ(n->number, 2);
	table_free(&t);
}

TEST(it_grows)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct announce a = from("many", i, 0, 1, 1);

		a.id[1] = i >> 8;
		a.ip[1] = i >> 8;
		a.ip[2] = i;
		CHECK_EQ(hear(a, 0), TABLE_NEW);
		CHECK_EQ(n->number, i + 1);
	}
	CHECK_EQ(t.count, 1000);
	table_free(&t);
}
