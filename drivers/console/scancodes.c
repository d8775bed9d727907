/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scan code set 1, which the keyboard controller translates to, and the US layout. */
#include "drivers/console/keys.h"

#define RELEASE 0x80
#define PREFIX 0xe0
#define PAUSE 0xe1 /* 0xe1 0x1d 0x45 when pressed, with the releases right behind */

#define CODE_CTRL 0x1d
#define CODE_LSHIFT 0x2a
#define CODE_RSHIFT 0x36
#define CODE_CAPS 0x3a
#define CODE_F1 0x3b
#define CODE_F10 0x44
#define CODE_NUM 0x45
#define CODE_PAD 0x47
#define CODE_PAD_LAST 0x53
#define CODE_F11 0x57
#define CODE_F12 0x58

static const char plain[] = {
	[0x01] = KEY_ESC, '1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '-', '=', KEY_BACKSPACE,
	KEY_TAB, 'q', 'w', 'e', 'r', 't', 'y', 'u', 'i', 'o', 'p', '[', ']', KEY_ENTER,
	[0x1e] = 'a', 's', 'd', 'f', 'g', 'h', 'j', 'k', 'l', ';', '\'', '`',
	[0x2b] = '\\', 'z', 'x', 'c', 'v', 'b', 'n', 'm', ',', '.', '/',
	[0x37] = '*', [0x39] = ' ', [0x4a] = '-', [0x4e] = '+', [0x56] = '\\',
};

static const char shifted[sizeof(plain)] = {
	[0x01] = KEY_ESC, '!', '@', '#', '$', '%', '^', '&', '*', '(', ')', '_', '+', KEY_BACKSPACE,
	KEY_TAB, 'Q', 'W', 'E', 'R', 'T', 'Y', 'U', 'I', 'O', 'P', '{', '}', KEY_ENTER,
	[0x1e] = 'A', 'S', 'D', 'F', 'G', 'H', 'J', 'K', 'L', ':', '"', '~',
	[0x2b] = '|', 'Z', 'X', 'C', 'V', 'B', 'N', 'M', '<', '>', '?',
	[0x37] = '*', [0x39] = ' ', [0x4a] = '-', [0x4e] = '+', [0x56] = '|',
};

/* The number pad, and with 0xe0 before them the keys beside it, from CODE_PAD on. */
static const int16_t pad[] = { KEY_HOME, KEY_UP,     KEY_PGUP,	'-',	 KEY_LEFT,
			       KEY_NONE, KEY_RIGHT,  '+',	KEY_END, KEY_DOWN,
			       KEY_PGDN, KEY_INSERT, KEY_DELETE };
static const char pad_digits[] = "789-456+1230.";

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int character(const struct scancodes *s, uint8_t code)
{
	bool shift = s->shift[0] || s->shift[1];
	char c = plain[code];

	if (is_letter(c) && (s->ctrl[0] || s->ctrl[1]))
		return c & 0x1f;
	if (is_letter(c) && s->caps)
		shift = !shift;
	return shift ? shifted[code] : c;
}

static int pressed(struct scancodes *s, uint8_t code, bool extended)
{
	if (code >= CODE_PAD && code <= CODE_PAD_LAST) {
		if (extended || s->navigate)
			return pad[code - CODE_PAD];
		return pad_digits[code - CODE_PAD];
	}
	if (code >= CODE_F1 && code <= CODE_F10)
		return KEY_F1 + code - CODE_F1;
	if (code == CODE_F11 || code == CODE_F12)
		return KEY_F1 + 10 + code - CODE_F11;
	if (code == CODE_CAPS)
		s->caps = !s->caps;
	else if (code == CODE_NUM)
		s->navigate = !s->navigate;
	/*
	 * Of the extended ones, what is left that types something: the number pad's Enter and
	 * slash.
	 */
	if (extended && plain[code < sizeof(plain) ? code : 0] != KEY_ENTER && code != 0x35)
		return KEY_NONE;
	return code < sizeof(plain) ? character(s, code) : KEY_NONE;
}

int scancode_key(struct scancodes *s, uint8_t byte)
{
	bool extended = s->extended, press = !(byte & RELEASE);
	uint8_t code = byte & ~RELEASE;

	if (s->skip) {
		s->skip--;
		return KEY_NONE;
	}
	s->extended = byte == PREFIX;
	if (byte == PAUSE)
		s->skip = 2;
	if (byte == PREFIX || byte == PAUSE)
		return KEY_NONE;
	switch (code) {
	case CODE_LSHIFT:
	case CODE_RSHIFT:
		/* Extended ones are made up by the keyboard around the grey keys. */
		if (!extended)
			s->shift[code == CODE_RSHIFT] = press;
		return KEY_NONE;
	case CODE_CTRL:
		s->ctrl[extended] = press;
		return KEY_NONE;
	default:
		return press ? pressed(s, code, extended) : KEY_NONE;
	}
}
