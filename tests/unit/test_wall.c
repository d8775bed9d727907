/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of day: as text, from the battery clock, and from homes.
 * Sources: kernel/time/wall.c
 */
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <time.h>

#include "kernel/time/wall.h"

static uint64_t ns, rtc;
static unsigned said;

uint64_t clock_now_ns(void)
{
	return ns;
}

uint64_t rtc_read(void)
{
	return rtc;
}

void kprintf(const char *fmt, ...)
{
	(void)fmt;
	said++;
}

TEST(text_is_as_linux_writes_it)
{
	char buf[WALL_TEXT_MAX], want[64];

	for (time_t t = 1; t < 253402300800; t += 86399 * 17) {
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(want, sizeof(want), "%Y-%m-%d %H:%M:%S", &tm);
		CHECK_STR(wall_text(t, buf), want);
	}
	CHECK_STR(wall_text(0, buf), "");
	CHECK_EQ(strlen(wall_text(UINT64_MAX, buf)), WALL_TEXT_MAX - 1);
}

TEST(nobody_knows_then_the_battery_clock_then_a_home)
{
	ns = 5000000000;
	wall_init();
	CHECK_EQ(wall_at(ns), 0);
	CHECK_EQ(said, 1);
	rtc = 1800000000;
	wall_init();
	CHECK_EQ(said, 2);
	CHECK_EQ(wall_at(ns), 1800000000);
	CHECK_EQ(wall_at(ns + 61000000000), 1800000061);
	/* Nearly the same: taken, not told. */
	wall_set(1800000001000000000, "home");
	CHECK_EQ(said, 2);
	CHECK_EQ(wall_at(ns), 1800000001);
	wall_set(1800000100000000000, "home");
	CHECK_EQ(said, 3);
	CHECK_EQ(wall_at(ns), 1800000100);
	/* A home that says nonsense. */
	wall_set(1, "home");
	CHECK_EQ(wall_at(ns), 1800000100);
}
