/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was typed, as keys. Everything but the arrival of bytes is the screen's thread's, or a
 * panic's.
 */
#include "drivers/console/backends.h"
#include "drivers/console/console.h"
#include "drivers/console/keys.h"
#include "kernel/panic.h"
#include "kernel/sync/waitq.h"
#include "kernel/time/clock.h"

/* An Esc with nothing behind it for so long is the key. */
#define ESC_NS (100 * NSEC_PER_MSEC)

static struct scancodes scancodes;
static struct sequences sequences;
static uint64_t esc_until_ns;
static int second_key; /* of the serial line, when a byte gave two */

static struct waitq arrived = WAITQ_INIT(arrived);
static bool poked;

void console_input_start(void)
{
	if (console_exists(CONSOLE_SERIAL))
		serial_input_start();
	if (console_exists(CONSOLE_SCREEN))
		keyboard_start();
}

static int screen_key(void)
{
	int byte, key = KEY_NONE;

	while (!key && (byte = keyboard_input()) >= 0)
		key = scancode_key(&scancodes, byte);
	return key;
}

static int serial_key(void)
{
	int keys[2] = { second_key, KEY_NONE }, byte;

	second_key = KEY_NONE;
	while (!keys[0] && (byte = serial_input()) >= 0) {
		sequence_keys(&sequences, byte, keys);
		esc_until_ns = clock_now_ns() + ESC_NS;
	}
	second_key = keys[1];
	if (!keys[0] && sequence_open(&sequences) && clock_now_ns() >= esc_until_ns)
		return sequence_end(&sequences);
	return keys[0];
}

int console_key(enum console_id id)
{
	if (!console_exists(id))
		return KEY_NONE;
	return id == CONSOLE_SERIAL ? serial_key() : screen_key();
}

void console_wait(uint64_t deadline_ns)
{
	if (sequence_open(&sequences) && esc_until_ns < deadline_ns)
		deadline_ns = esc_until_ns;
	wait_event_timeout(&arrived, __atomic_exchange_n(&poked, false, __ATOMIC_SEQ_CST),
			   deadline_ns);
}

void console_poke(void)
{
	__atomic_store_n(&poked, true, __ATOMIC_SEQ_CST);
	waitq_wake_all(&arrived);
}

void console_input_arrived(void)
{
	/* A panic looks by itself. */
	if (panic_in_progress())
		return;
	console_poke();
}
