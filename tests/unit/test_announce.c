/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is an announcement and what is not: every damaged field is refused, whatever the length.
 * Sources: proto/announce.c
 */
#include "tests/unit/unit.h"

#include "proto/announce.h"

static struct announce good(void)
{
	struct announce a = { .magic = ANNOUNCE_MAGIC, .version = WIRE_VERSION, .port = 7746,
			      .ncpu = 2, .name = "node1", .program = "0.1" };

	return a;
}

TEST(a_good_one_is_taken)
{
	struct announce a = good();

	CHECK(!announce_check(&a, sizeof(a)));
}

TEST(each_wrong_length_is_refused)
{
	struct announce a = good();
	char big[sizeof(a) + 100] = { 0 };

	for (size_t len = 0; len < sizeof(big); len++) {
		/* Exactly len bytes: the sanitizer sees a read beyond them. */
		uint8_t *p = malloc(len ? len : 1);

		memcpy(big, &a, sizeof(a));
		memcpy(p, big, len);
		CHECK(!announce_check(p, len) == (len == sizeof(a)));
		free(p);
	}
}

TEST(each_wrong_field_is_refused)
{
	struct announce a = good();

	a.magic++;
	CHECK_STR(announce_check(&a, sizeof(a)), "not an announcement");
	a = good();
	a.version++;
	CHECK_STR(announce_check(&a, sizeof(a)), "announcement of another version");
	a = good();
	a.ncpu = 0;
	CHECK(announce_check(&a, sizeof(a)));
	a = good();
	a.port = 0;
	CHECK(announce_check(&a, sizeof(a)));
}

TEST(names_are_printable_and_ended)
{
	static const char *const bad[] = { "", "a b", "tab\t", "esc\033[2J", "\xc3\xa9", "del\x7f" };
	struct announce a;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = good();
		memset(a.name, 0, sizeof(a.name));
		strcpy(a.name, bad[i]);
		CHECK(announce_check(&a, sizeof(a)));
		a = good();
		memset(a.program, 0, sizeof(a.program));
		strcpy(a.program, bad[i]);
		CHECK(announce_check(&a, sizeof(a)));
	}
	a = good();
	memset(a.name, 'x', sizeof(a.name));
	CHECK(announce_check(&a, sizeof(a)));
	a.name[sizeof(a.name) - 1] = 0;
	CHECK(!announce_check(&a, sizeof(a)));
}
