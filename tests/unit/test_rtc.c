/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The battery clock: every form of its registers, a clock that ticks while it is read, and none at
 * all.
 */
#include "tests/unit/unit.h"

#include <time.h>

#define KERNEL_CPU_X86_H
#define KERNEL_SYNC_SPINLOCK_H

typedef int spinlock_t;
#define SPINLOCK_INIT 0

static unsigned long spin_lock_irqsave(spinlock_t *lock)
{
	return *lock;
}

static void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	*lock = flags;
}

/* A clock whose registers are these; after `ticks_in` reads it goes on to the next set. */
static uint8_t cmos[2][128], selected;
static unsigned reads, ticks_in, updating_reads;
static uint64_t fake_ns;

static void outb(uint16_t port, uint8_t v)
{
	CHECK_EQ(port, 0x70);
	selected = v;
}

static uint8_t inb(uint16_t port)
{
	CHECK_EQ(port, 0x71);
	fake_ns += 1000;
	reads++;
	if (selected == 0x0a && updating_reads) {
		updating_reads--;
		return 0xa6;
	}
	return cmos[reads > ticks_in][selected];
}

static void cpu_relax(void)
{
}

#include "drivers/rtc.c"

struct acpi_info acpi_info;

uint64_t clock_now_ns(void)
{
	return fake_ns;
}

static uint8_t bcd(unsigned v)
{
	return v / 10 << 4 | v % 10;
}

static struct rtc_reading reading(time_t t, bool binary, bool halves, bool century)
{
	struct tm tm;
	struct rtc_reading r;

	gmtime_r(&t, &tm);
#define FORM(v) (binary ? (v) : bcd(v))
	r = (struct rtc_reading){
		.second = FORM(tm.tm_sec), .minute = FORM(tm.tm_min), .day = FORM(tm.tm_mday),
		.month = FORM(tm.tm_mon + 1), .year = FORM(tm.tm_year % 100),
		.century = century ? FORM(19 + tm.tm_year / 100) : 0,
		.status_b = (binary ? B_BINARY : 0) | (halves ? 0 : B_24_HOURS),
	};
	if (halves)
		r.hour = FORM((tm.tm_hour + 11) % 12 + 1) | (tm.tm_hour >= 12 ? HOUR_PM : 0);
	else
		r.hour = FORM(tm.tm_hour);
#undef FORM
	return r;
}

TEST(every_form_says_what_linux_says)
{
	/* An odd step meets every hour, weekday and leap day over the years. */
	for (time_t t = 1704067200; t < 7258118400; t += 977 * 61) {
		for (unsigned form = 0; form < 8; form++) {
			bool century = form & 4 || t >= 3155760000;	/* 2070 */
			struct rtc_reading r = reading(t, form & 1, form & 2, century);

			CHECK_EQ(rtc_decode(&r), t);
		}
	}
}

TEST(what_is_no_date_is_not_known)
{
	const struct rtc_reading good = reading(1779000000, false, false, true);
	struct rtc_reading r = good;

	CHECK_EQ(rtc_decode(&r), 1779000000);
#define BAD(field, value)                                                                  \
	do {                                                                               \
		r = good;                                                                  \
		r.field = (value);                                                         \
		CHECK_EQ(rtc_decode(&r), 0);                                               \
	} while (0)
	BAD(second, 0x61);
	BAD(second, 0x1a);
	BAD(minute, 0x60);
	BAD(hour, 0x24);
	BAD(hour, 0x92);
	BAD(day, 0);
	BAD(day, 0x32);
	BAD(month, 0);
	BAD(month, 0x13);
	BAD(year, 0x9a);
	BAD(century, 0x19);	/* 1926 */
	BAD(year, 0x12);	/* before there was such a program: it was never set */
	memset(&r, 0xff, sizeof(r));
	CHECK_EQ(rtc_decode(&r), 0);
	memset(&r, 0, sizeof(r));
	CHECK_EQ(rtc_decode(&r), 0);
	/*
	 * The 29th of February only where there is one; a register that holds no century is not
	 * one.
	 */
	r = reading(1709164800, false, false, true);
	CHECK_EQ(rtc_decode(&r), 1709164800);
	r.year = 0x25;
	CHECK_EQ(rtc_decode(&r), 0);
	r = good;
	r.century = 0x77;
	CHECK_EQ(rtc_decode(&r), 1779000000);
	r.century = 0xaa;
	CHECK_EQ(rtc_decode(&r), 1779000000);
	/* What an old machine without a battery starts with. */
	r.century = 0;
	r.year = 0x80;
	CHECK_EQ(rtc_decode(&r), 0);
	srand(1);
	for (int i = 0; i < 1000000; i++) {
		for (unsigned j = 0; j < sizeof(r); j++)
			((uint8_t *)&r)[j] = rand() >> 7;
		CHECK(rtc_decode(&r) < 7258118400u);
	}
}

static void put(uint8_t *to, time_t t)
{
	struct rtc_reading r = reading(t, false, false, true);

	to[0] = r.second, to[2] = r.minute, to[4] = r.hour;
	to[7] = r.day, to[8] = r.month, to[9] = r.year, to[0x32] = r.century;
	to[0x0a] = 0x26, to[0x0b] = r.status_b;
}

TEST(a_clock_that_ticks_meanwhile)
{
	const time_t midnight = 1798761600;	/* 2027 begins: every register changes */

	acpi_info.rtc_century = 0x32;
	put(cmos[0], midnight - 1);
	put(cmos[1], midnight);
	for (ticks_in = 0; ticks_in < 60; ticks_in++) {
		uint64_t got;

		reads = 0;
		updating_reads = ticks_in % 5;
		got = rtc_read();
		CHECK(got == (uint64_t)midnight || got == (uint64_t)midnight - 1);
		CHECK_EQ(updating_reads, 0);
	}
}

TEST(no_clock_costs_no_time)
{
	memset(cmos, 0xff, sizeof(cmos));
	fake_ns = 0;
	CHECK_EQ(rtc_read(), 0);
	CHECK(fake_ns < 20 * NSEC_PER_MSEC);
}
