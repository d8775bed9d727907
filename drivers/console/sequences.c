/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What terminals send for keys: VT100 (ESC O x), VT220 and xterm (ESC [ x, ESC [ n ~), the Linux
 * console's function keys (ESC [ [ x). Modifiers, which come as a second parameter, are left out.
 */
#include "drivers/console/keys.h"

#include <stddef.h>

enum state { GROUND, ESCAPE, CSI, SS3, LINUX };

#define PARAMETER_MAX 99

/* By the letter that ends the sequence. */
static const int16_t letters[] = {
	['A' - 'A'] = KEY_UP,	  ['B' - 'A'] = KEY_DOWN,   ['C' - 'A'] = KEY_RIGHT,
	['D' - 'A'] = KEY_LEFT,	  ['F' - 'A'] = KEY_END,    ['H' - 'A'] = KEY_HOME,
	['M' - 'A'] = KEY_ENTER,  ['P' - 'A'] = KEY_F1,	    ['Q' - 'A'] = KEY_F1 + 1,
	['R' - 'A'] = KEY_F1 + 2, ['S' - 'A'] = KEY_F1 + 3,
};

/* By the number before '~'. */
static const int16_t numbers[] = {
	[1] = KEY_HOME, KEY_INSERT, KEY_DELETE, KEY_END, KEY_PGUP, KEY_PGDN, KEY_HOME, KEY_END,
	[11] = KEY_F1, KEY_F1 + 1, KEY_F1 + 2, KEY_F1 + 3, KEY_F1 + 4,
	[17] = KEY_F1 + 5, KEY_F1 + 6, KEY_F1 + 7, KEY_F1 + 8, KEY_F1 + 9,
	[23] = KEY_F1 + 10, KEY_F1 + 11,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int by_letter(uint8_t byte)
{
	size_t i = byte - 'A';

	return byte >= 'A' && i < COUNT(letters) ? letters[i] : KEY_NONE;
}

static int ground(struct sequences *s, uint8_t byte)
{
	bool after_cr = s->after_cr;

	s->after_cr = byte == '\r';
	if (byte == '\n')
		return after_cr ? KEY_NONE : KEY_ENTER;
	if (byte == 0x7f)
		return KEY_BACKSPACE;
	/* Not ASCII: nothing here takes it. */
	return byte < 0x7f ? byte : KEY_NONE;
}

static int csi(struct sequences *s, uint8_t byte)
{
	if (byte == '[' && s->first && !s->number) {
		s->state = LINUX;
		return KEY_NONE;
	}
	if (byte >= '0' && byte <= '9') {
		if (s->first && s->number <= PARAMETER_MAX)
			s->number = s->number * 10 + byte - '0';
		return KEY_NONE;
	}
	if (byte >= 0x20 && byte < 0x40) {
		s->first = false;
		return KEY_NONE;
	}
	s->state = GROUND;
	if (byte == '~')
		return s->number < COUNT(numbers) ? numbers[s->number] : KEY_NONE;
	return by_letter(byte);
}

unsigned sequence_keys(struct sequences *s, uint8_t byte, int keys[2])
{
	unsigned n = 0;
	int key = KEY_NONE;

	/* Whatever went before, this begins anew. */
	if (byte == KEY_ESC) {
		if (s->state == ESCAPE)
			keys[n++] = KEY_ESC;
		s->state = ESCAPE;
		return n;
	}
	switch (s->state) {
	case ESCAPE:
		if (byte == '[' || byte == 'O') {
			s->state = byte == '[' ? CSI : SS3;
			s->number = 0;
			s->first = true;
			return 0;
		}
		/* No sequence: it was the key, and this is another. */
		keys[n++] = sequence_end(s);
		key = ground(s, byte);
		break;
	case CSI:
		key = csi(s, byte);
		break;
	case SS3:
		s->state = GROUND;
		key = by_letter(byte);
		break;
	case LINUX:
		s->state = GROUND;
		key = byte >= 'A' && byte <= 'E' ? KEY_F1 + byte - 'A' : KEY_NONE;
		break;
	default:
		key = ground(s, byte);
	}
	if (key)
		keys[n++] = key;
	return n;
}

bool sequence_open(const struct sequences *s)
{
	return s->state == ESCAPE;
}

int sequence_end(struct sequences *s)
{
	s->state = GROUND;
	s->after_cr = false;
	return KEY_ESC;
}
