/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps what is to be added to the time since start to have the time of day. */
#include "kernel/time/wall.h"

#include <stdbool.h>
#include <stdio.h>

#include "drivers/rtc.h"
#include "kernel/kprintf.h"
#include "kernel/time/clock.h"

/* Less than this is the way a message took, or two homes that do not quite agree. */
#define WORTH_SAYING_S 2

static uint64_t start_s;	/* seconds since 1970 at clock_now_ns() = 0; 0: not known; atomic */
static bool from_home;

uint64_t wall_at(uint64_t ns)
{
	uint64_t start = __atomic_load_n(&start_s, __ATOMIC_RELAXED);

	return start ? start + ns / NSEC_PER_SEC : 0;
}

char *wall_text(uint64_t seconds, char buf[WALL_TEXT_MAX])
{
	uint64_t days = seconds / 86400, rest = seconds % 86400;
	/*
	 * Days since 0000-03-01: years then end with their leap day, 400 of them have 146,097 days.
	 */
	uint64_t n = days + 719468, era = n / 146097, in_era = n % 146097;
	uint64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * in_year + 2) / 153, day = in_year - (153 * month + 2) / 5 + 1;

	buf[0] = '\0';
	if (!seconds)
		return buf;
	year += era * 400 + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	/* Beyond the year 9999 there is no room, nor a clock that says so. */
	snprintf(buf, WALL_TEXT_MAX, "%04u-%02u-%02u %02u:%02u:%02u", (unsigned)year % 10000,
		 (unsigned)month % 100, (unsigned)day % 100, (unsigned)(rest / 3600) % 100,
		 (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
	return buf;
}

void wall_init(void)
{
	uint64_t rtc = rtc_read(), now = clock_now_ns() / NSEC_PER_SEC;
	char text[WALL_TEXT_MAX];

	if (!rtc) {
		kprintf("clock: the battery clock is not set: the time of day is not known\n");
		return;
	}
	__atomic_store_n(&start_s, rtc - now, __ATOMIC_RELAXED);
	kprintf("clock: %s UTC by the battery clock\n", wall_text(rtc, text));
}

void wall_set(uint64_t realtime_ns, const char *home)
{
	uint64_t start = (realtime_ns - clock_now_ns()) / NSEC_PER_SEC;
	uint64_t old = __atomic_load_n(&start_s, __ATOMIC_RELAXED);
	int64_t off = (int64_t)(start - old);
	char text[WALL_TEXT_MAX];

	if (realtime_ns < clock_now_ns())
		return;
	if (from_home && off > -WORTH_SAYING_S && off < WORTH_SAYING_S)
		return;
	if (!old || off <= -WORTH_SAYING_S || off >= WORTH_SAYING_S)
		kprintf("clock: %s UTC by the clock of %s\n",
			wall_text(realtime_ns / NSEC_PER_SEC, text), home);
	from_home = true;
	__atomic_store_n(&start_s, start, __ATOMIC_RELAXED);
}
