/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TSC as clock, calibrated against the ACPI power management timer or, where there is none or it
 * stands still, the 8254 timer (data sheet 231164).
 */
#include "kernel/time/clock.h"

#include <stddef.h>

#include "kernel/cpu/acpi.h"
#include "kernel/cpu/x86.h"
#include "kernel/kprintf.h"

#define PIT_HZ 1193182ull
#define PIT_CH2 0x42
#define PIT_MODE 0x43
#define PIT_CH2_MODE0 0xb0 /* channel 2, low then high byte, count down once */
#define PIT_LATCH_CH2 0x80
#define PORT_SPEAKER 0x61
#define SPEAKER_GATE2 0x01
#define SPEAKER_DATA 0x02

#define PM_TIMER_HZ 3579545ull
#define PM_TIMER_MASK 0xffffff

/* 1/25 s: less than the 16 bits of the 8254 hold. */
#define CALIBRATE_DIVISOR 25
#define SAMPLES 16

static uint64_t tsc_hz = 1000000000; /* a guess until clock_init() */
static uint64_t tsc_start;
static uint64_t ns_per_tick_32 = 1ull << 32; /* nanoseconds per tick, 32 fraction bits */

struct sample {
	uint64_t tsc;
	uint64_t gap;	/* how long the reading took: its uncertainty */
	uint32_t count;
};

static uint32_t pit_read(void)
{
	outb(PIT_MODE, PIT_LATCH_CH2);
	uint32_t low = inb(PIT_CH2);

	/* Counts down; what has passed is the complement. */
	return 0xffff - (low | (uint32_t)inb(PIT_CH2) << 8);
}

static uint32_t pm_read(void)
{
	return inl(acpi_info.pm_timer_port) & PM_TIMER_MASK;
}

static void pit_start(void)
{
	outb(PORT_SPEAKER, (inb(PORT_SPEAKER) & ~SPEAKER_DATA) | SPEAKER_GATE2);
	outb(PIT_MODE, PIT_CH2_MODE0);
	outb(PIT_CH2, 0xff);
	outb(PIT_CH2, 0xff);
}

/* Of several readings the quickest: an emulator may be interrupted in the middle of one. */
static struct sample sample_best(uint32_t (*read)(void))
{
	struct sample best = { 0, UINT64_MAX, 0 };

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t before = rdtsc();
		uint32_t count = read();
		uint64_t after = rdtsc();

		if (after - before < best.gap) {
			best.gap = after - before;
			best.tsc = before + best.gap / 2;
			best.count = count;
		}
	}
	return best;
}

/* TSC ticks per second by the given reference, 0 when that does not tick. */
static uint64_t calibrate(uint32_t (*read)(void), uint64_t hz, uint32_t mask)
{
	struct sample first = sample_best(read);
	uint64_t polls = 0;
	uint32_t passed;

	do {
		passed = (read() - first.count) & mask;
		if (++polls > 10000 && passed == 0)
			return 0;
	} while (passed < hz / CALIBRATE_DIVISOR);

	struct sample last = sample_best(read);

	passed = (last.count - first.count) & mask;
	return passed ? (last.tsc - first.tsc) * hz / passed : 0;
}

void clock_init(void)
{
	uint64_t hz = 0;

	/*
	 * The 8254 is the second choice: its 16 bits come round after 55 ms, and an emulator that is
	 * held up for the rest of that makes the processor look more than twice as fast as it is.
	 */
	if (acpi_info.pm_timer_port)
		hz = calibrate(pm_read, PM_TIMER_HZ, PM_TIMER_MASK);
	if (hz == 0) {
		pit_start();
		hz = calibrate(pit_read, PIT_HZ, 0xffff);
	}
	if (hz == 0)
		panic("no timer to measure the processor's speed with: neither 8254 nor ACPI");
	tsc_hz = hz;
	ns_per_tick_32 = (NSEC_PER_SEC << 32) / hz;
}

void clock_set_start(uint64_t tsc)
{
	tsc_start = tsc;
}

uint64_t clock_now_ns(void)
{
	uint64_t ticks = rdtsc() - tsc_start;

	/* The TSCs of two CPUs may differ by a few ticks: not before the start. */
	if ((int64_t)ticks < 0)
		return 0;
	return (unsigned __int128)ticks * ns_per_tick_32 >> 32;
}

uint64_t clock_tsc_hz(void)
{
	return tsc_hz;
}

void clock_delay_us(unsigned us)
{
	uint64_t end = rdtsc() + tsc_hz / 1000000 * us;

	while ((int64_t)(rdtsc() - end) < 0)
		cpu_relax();
}
