/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys from scan codes and from a terminal's bytes, and the line that is edited with them.
 *
 * Sources: drivers/console/scancodes.c drivers/console/sequences.c kernel/screen/line.c
 */
#include "drivers/console/keys.h"
#include "kernel/screen/line.h"
#include "tests/unit/unit.h"

/* The keys that these scan codes give, in one string; those beyond ASCII as <number>. */
static const char *typed(struct scancodes *s, const char *codes, size_t n)
{
	static char out[256];
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int key = scancode_key(s, codes[i]);

		if (key >= 32 && key < 127)
			len += snprintf(out + len, sizeof(out) - len, "%c", key);
		else if (key)
			len += snprintf(out + len, sizeof(out) - len, "<%d>", key);
	}
	out[len] = '\0';
	return out;
}

#define TYPED(s, codes) typed(s, codes, sizeof(codes) - 1)

TEST(scan_codes_become_characters)
{
	struct scancodes s = { 0 };

	CHECK_STR(TYPED(&s, "\x1e\x9e\x30\xb0\x02\x82\x39\xb9\x35\xb5"), "ab1 /");
	CHECK_STR(TYPED(&s, "\x2a\x1e\x9e\x02\x82\xaa\x1e\x9e"), "A!a");
	CHECK_STR(TYPED(&s, "\x36\x2a\xb6\x1e\xaa\x1e"), "Aa"); /* two shifts, one let go */
	CHECK_STR(TYPED(&s, "\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e"), "A1aa");
	CHECK_STR(TYPED(&s, "\x1d\x26\x9d\x26"), "<12>l");
	CHECK_STR(TYPED(&s, "\xe0\x1d\x26\xe0\x9d\x26"), "<12>l");
	CHECK_STR(TYPED(&s, "\x1c\x01\x0e\x0f"), "<13><27><8><9>");
}

TEST(scan_codes_become_other_keys)
{
	struct scancodes s = { 0 };
	char want[64];

	snprintf(want, sizeof(want), "<%d><%d><%d><%d>", KEY_UP, KEY_DOWN, KEY_LEFT, KEY_RIGHT);
	CHECK_STR(TYPED(&s, "\xe0\x48\xe0\xc8\xe0\x50\xe0\xd0\xe0\x4b\xe0\x4d"), want);
	/* With the made-up shifts that a keyboard sends around them. */
	snprintf(want, sizeof(want), "<%d><%d><%d>", KEY_HOME, KEY_PGUP, KEY_DELETE);
	CHECK_STR(TYPED(&s, "\xe0\x2a\xe0\x47\xe0\xc7\xe0\xaa\xe0\x49\xe0\x53"), want);
	CHECK_STR(TYPED(&s, "\x2a\xe0\xaa\x1e\xaa\x1e"), "Aa");
	snprintf(want, sizeof(want), "<%d><%d><%d><%d>", KEY_F1, KEY_F1 + 9, KEY_F1 + 10, KEY_F12);
	CHECK_STR(TYPED(&s, "\x3b\xbb\x44\x57\x58"), want);
	CHECK_STR(TYPED(&s, "\xe1\x1d\x45\xe1\x9d\xc5\x1e"), "a"); /* Pause is no Ctrl */
	/* The number pad types until Num Lock, then moves; its Enter and slash are themselves. */
	snprintf(want, sizeof(want), "1.9/<13><%d>7", KEY_HOME);
	CHECK_STR(TYPED(&s, "\x4f\x53\x49\xe0\x35\xe0\x1c\x45\xc5\x47\x45\xc5\x47"), want);
}

TEST(no_scan_code_does_harm)
{
	struct scancodes s = { 0 };

	srand(5);
	for (int i = 0; i < 100000; i++) {
		int key = scancode_key(&s, rand());

		CHECK(key >= 0 && key <= KEY_F12);
	}
}

/* --- terminals --- */

static const char *received(struct sequences *s, const char *bytes)
{
	static char out[256];
	size_t len = 0;

	out[0] = '\0';
	for (; *bytes; bytes++) {
		int keys[2];
		unsigned n = sequence_keys(s, *bytes, keys);

		for (unsigned i = 0; i < n; i++)
			len += snprintf(out + len, sizeof(out) - len,
					keys[i] >= 32 && keys[i] < 127 ? "%c" : "<%d>", keys[i]);
	}
	return out;
}

TEST(sequences_become_keys)
{
	struct sequences s = { 0 };
	char want[64];

	snprintf(want, sizeof(want), "a<%d>b<%d>c", KEY_UP, KEY_LEFT);
	CHECK_STR(received(&s, "a\033[Ab\033ODc"), want);
	snprintf(want, sizeof(want), "<%d><%d><%d><%d>", KEY_PGUP, KEY_DELETE, KEY_HOME, KEY_END);
	CHECK_STR(received(&s, "\033[5~\033[3~\033[H\033[4~"), want);
	snprintf(want, sizeof(want), "<%d><%d><%d><%d>", KEY_F1, KEY_F1, KEY_F1 + 4, KEY_F12);
	CHECK_STR(received(&s, "\033OP\033[11~\033[[E\033[24~"), want);
	snprintf(want, sizeof(want), "<%d><%d>x", KEY_RIGHT, KEY_PGDN); /* with modifiers */
	CHECK_STR(received(&s, "\033[1;5C\033[6;2~x"), want);
	CHECK_STR(received(&s, "\x7f\b\r\n\n\r\r"), "<8><8><13><13><13><13>");
	CHECK_STR(received(&s, "\xc3\xa4z"), "z"); /* UTF-8 */
	CHECK_STR(received(&s, "\033[4294967301~\033[200~q"), "q"); /* none that we know */
}

TEST(an_escape_may_be_the_key)
{
	struct sequences s = { 0 };

	CHECK(!sequence_open(&s));
	CHECK_STR(received(&s, "\033"), "");
	CHECK(sequence_open(&s));
	CHECK_EQ(sequence_end(&s), KEY_ESC);
	CHECK(!sequence_open(&s));
	CHECK_STR(received(&s, "A"), "A");
	CHECK_STR(received(&s, "\033q"), "<27>q");
	CHECK_STR(received(&s, "\033\033"), "<27>");
	CHECK(sequence_open(&s));
	CHECK_STR(received(&s, "[B"), "<257>");
}

TEST(no_bytes_do_harm)
{
	static const char likely[] = "\033\033[[[;;~O0123456789ABCDEFP";
	struct sequences s = { 0 };

	srand(6);
	for (int i = 0; i < 200000; i++) {
		int keys[2];
		unsigned n = sequence_keys(
			&s, rand() % 4 ? likely[rand() % (sizeof(likely) - 1)] : rand(), keys);

		CHECK(n <= 2);
		for (unsigned k = 0; k < n; k++)
			CHECK(keys[k] > 0 && keys[k] <= KEY_F12);
	}
}

/* --- the line --- */

static void keys(struct line *line, const char *s)
{
	for (; *s; s++)
		CHECK(line_key(line, *s));
}

TEST(a_line_is_edited)
{
	struct line line;

	line_set(&line, "10.0.0.1");
	CHECK_EQ(line.at, 8);
	line_key(&line, KEY_BACKSPACE);
	keys(&line, "22/24");
	CHECK_STR(line.text, "10.0.0.22/24");
	line_key(&line, KEY_HOME);
	line_key(&line, KEY_BACKSPACE); /* nothing before it */
	line_key(&line, KEY_DELETE);
	line_key(&line, KEY_RIGHT);
	keys(&line, "xy");
	CHECK_STR(line.text, "0xy.0.0.22/24");
	line_key(&line, KEY_LEFT);
	line_key(&line, KEY_BACKSPACE);
	CHECK_STR(line.text, "0y.0.0.22/24");
	line_key(&line, 'K' & 0x1f);
	CHECK_STR(line.text, "0");
	line_key(&line, KEY_END);
	line_key(&line, 'U' & 0x1f);
	CHECK_STR(line.text, "");
	CHECK(!line_key(&line, KEY_ENTER) && !line_key(&line, KEY_F1));
}

TEST(a_line_has_an_end)
{
	struct line line;

	line_set(&line, "");
	srand(8);
	for (int i = 0; i < 200000; i++) {
		static const int moves[] = { KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, KEY_BACKSPACE,
					     KEY_DELETE, 'K' & 0x1f, 'U' & 0x1f };

		line_key(&line, rand() % 40 ? 'a' + rand() % 26 : moves[rand() % 8]);
		CHECK(line.at <= line.len && line.len < LINE_SIZE);
		CHECK_EQ(strlen(line.text), line.len);
		CHECK(line.at - line_first(&line, 10) < 10);
	}
	for (int i = 0; i < 2 * LINE_SIZE; i++)
		line_key(&line, 'z');
	CHECK_EQ(line.len, LINE_SIZE - 1);
}
