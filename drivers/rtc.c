/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the battery clock: a consistent set of registers, and what they mean. */
#include "drivers/rtc.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "kernel/cpu/acpi.h"
#include "kernel/cpu/x86.h"
#include "kernel/sync/spinlock.h"
#include "kernel/time/clock.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

enum {
	REG_SECOND = 0x00,
	REG_MINUTE = 0x02,
	REG_HOUR = 0x04,
	REG_DAY = 0x07,
	REG_MONTH = 0x08,
	REG_YEAR = 0x09,
	REG_STATUS_A = 0x0a,
	REG_STATUS_B = 0x0b,
};

#define A_UPDATING 0x80
#define B_24_HOURS 2
#define B_BINARY 4
#define HOUR_PM 0x80

/*
 * An update takes 2 ms at the most (data sheet, "update cycle"); a port without a clock reads all
 * ones.
 */
#define UPDATE_MAX_NS (5 * NSEC_PER_MSEC)
#define ATTEMPTS 4

/* A clock whose battery is empty starts in some year before this one. */
#define YEAR_MIN 2024
#define YEAR_MAX 2199

/* Days from 1970-01-01 to a date of the Gregorian calendar, years from 1970 on. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
	/* Years that begin in March: the leap day is the last of its year. */
	unsigned y = month > 2 ? year : year - 1;
	unsigned m = month > 2 ? month - 3 : month + 9;

	return 365ul * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* A register's number: binary, or two decimal digits, one in each half; 255 if they are none. */
static unsigned number(const struct rtc_reading *r, uint8_t v)
{
	if (r->status_b & B_BINARY)
		return v;
	return (v & 15) < 10 && v >> 4 < 10 ? (v >> 4) * 10 + (v & 15) : 255;
}

uint64_t rtc_decode(const struct rtc_reading *r)
{
	unsigned second = number(r, r->second), minute = number(r, r->minute);
	unsigned day = number(r, r->day), month = number(r, r->month), year = number(r, r->year);
	unsigned century = number(r, r->century);
	bool halves = !(r->status_b & B_24_HOURS);
	unsigned hour = number(r, halves ? r->hour & ~HOUR_PM : r->hour);

	if (halves) {
		if (hour < 1 || hour > 12)
			return 0;
		hour = hour % 12 + (r->hour & HOUR_PM ? 12 : 0);
	}
	if (year > 99)
		return 0;
	/*
	 * Some firmware names a register for the century that holds something else, or none at all.
	 */
	if (century < 19 || century > YEAR_MAX / 100)
		century = year < 70 ? 20 : 19;
	year += 100 * century;
	if (second > 60 || minute > 59 || hour > 23 || month < 1 || month > 12 || day < 1 ||
	    year < YEAR_MIN || day > month_days(year, month))
		return 0;
	return days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

static uint8_t cmos_read(unsigned reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

/* Waits for the end of an update; false if there is none. */
static bool steady(void)
{
	uint64_t end = clock_now_ns() + UPDATE_MAX_NS;

	while (cmos_read(REG_STATUS_A) & A_UPDATING) {
		if (clock_now_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

static void read_all(struct rtc_reading *r)
{
	r->second = cmos_read(REG_SECOND);
	r->minute = cmos_read(REG_MINUTE);
	r->hour = cmos_read(REG_HOUR);
	r->day = cmos_read(REG_DAY);
	r->month = cmos_read(REG_MONTH);
	r->year = cmos_read(REG_YEAR);
	r->century = acpi_info.rtc_century ? cmos_read(acpi_info.rtc_century) : 0;
	r->status_b = cmos_read(REG_STATUS_B);
}

uint64_t rtc_read(void)
{
	static spinlock_t lock = SPINLOCK_INIT;
	struct rtc_reading now, before;
	unsigned long flags = spin_lock_irqsave(&lock);
	bool same = false;

	/*
	 * An update may begin between the look at status A and the last register: twice the same is
	 * good.
	 */
	for (int i = 0; i < ATTEMPTS && !same && steady(); i++) {
		read_all(&now);
		same = i > 0 && !memcmp(&now, &before, sizeof(now));
		before = now;
	}
	spin_unlock_irqrestore(&lock, flags);
	return same ? rtc_decode(&now) : 0;
}
