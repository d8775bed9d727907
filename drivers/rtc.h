/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The battery clock: Motorola's MC146818 and what every PC has built after it, UTC assumed. */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <stdint.h>

/* Its registers as read; status_b says how to understand them. */
struct rtc_reading {
	uint8_t second, minute, hour, day, month, year;
	uint8_t century;	/* of years; 0 where there is no such register */
	uint8_t status_b;
};

/*
 * Seconds since 1970; 0 when that is no date, or one before this program was written. Any context.
 */
uint64_t rtc_decode(const struct rtc_reading *r);

/* The same of the clock itself; 0 without one. Takes up to 20 ms. Any context. */
uint64_t rtc_read(void);

#endif
