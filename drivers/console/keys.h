/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys, and how they are told: by a PC keyboard in scan code set 1, by a terminal in bytes of which
 * some begin a sequence. Pure functions of their state and input.
 */
#ifndef DRIVERS_CONSOLE_KEYS_H
#define DRIVERS_CONSOLE_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* Characters are themselves (ASCII; control characters too: Ctrl+L is 12); the rest: */
enum key {
	KEY_NONE = 0,
	KEY_BACKSPACE = 8,
	KEY_TAB = 9,
	KEY_ENTER = 13,
	KEY_ESC = 27,
	KEY_UP = 256, KEY_DOWN, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_PGUP, KEY_PGDN,
	KEY_INSERT, KEY_DELETE,
	KEY_F1, KEY_F12 = KEY_F1 + 11
};

/* A keyboard's state. Starts zeroed. */
struct scancodes {
	bool extended;		/* the byte before was 0xe0 */
	uint8_t skip;		/* bytes of Pause that are still to come */
	bool shift[2], ctrl[2];	/* left, right */
	bool caps, navigate;	/* Caps Lock; the number pad moves instead of giving digits */
};

/* The key that this byte completes; US layout. */
int scancode_key(struct scancodes *s, uint8_t byte);

/* A terminal's. Starts zeroed. */
struct sequences {
	uint8_t state;
	bool after_cr;		/* a line feed now belongs to the same key */
	unsigned number;	/* the first parameter of a sequence */
	bool first;		/* it is still being read */
};

/*
 * As above, for bytes from a terminal; two keys if an Esc turns out to have been one. Returns how
 * many.
 */
unsigned sequence_keys(struct sequences *s, uint8_t byte, int keys[2]);

/*
 * Is an Esc waiting for what follows it? When nothing does, it was the key: sequence_end() gives
 * it.
 */
bool sequence_open(const struct sequences *s);
int sequence_end(struct sequences *s);

#endif
