/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of messages: what is read back, by position and by line, before and after it went round.
 */
#include "tests/unit/unit.h"

/* --- the environment, in place of the kernel's headers --- */

#define KERNEL_PANIC_H
#define KERNEL_SYNC_SPINLOCK_H
#define SPINLOCK_INIT 0

typedef int spinlock_t;

static bool in_panic;

static bool panic_in_progress(void)
{
	return in_panic;
}

static unsigned long spin_lock_irqsave(spinlock_t *l)
{
	CHECK(!*l && !in_panic);
	*l = 1;
	return 7;
}

static void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	CHECK(*l && flags == 7);
	*l = 0;
}

#include "kernel/klog.c"

static void say(const char *s)
{
	klog_append(s, strlen(s));
}

/* What is read from pos on, by reads of `piece` bytes. */
static const char *from(uint64_t pos, size_t piece)
{
	static char text[KLOG_SIZE + 1];
	size_t len = 0, got;

	while ((got = klog_read(&pos, text + len, piece)) > 0)
		len += got;
	CHECK_EQ(pos, klog_end());
	text[len] = '\0';
	return text;
}

TEST(what_was_said_is_read_in_order)
{
	uint64_t pos = klog_end();
	char c;

	CHECK_EQ(klog_read(&pos, &c, 1), 0);
	say("one\n");
	say("two\nthree\n");
	CHECK_STR(from(pos, 3), "one\ntwo\nthree\n");
	CHECK_STR(from(pos + 4, 100), "two\nthree\n");
	pos = klog_end() + 5; /* a position that does not exist yet reads nothing */
	CHECK_EQ(klog_read(&pos, &c, 1), 0);
	CHECK_EQ(pos, klog_end());
}

TEST(lines_are_counted_back)
{
	uint64_t end = klog_end();

	CHECK_STR(from(klog_back(end, 0), 9), "");
	CHECK_STR(from(klog_back(end, 1), 9), "three\n");
	CHECK_STR(from(klog_back(end, 2), 9), "two\nthree\n");
	CHECK_STR(from(klog_back(end - 2, 0), 9), "three\n");
	CHECK_EQ(klog_back(end, 100), 0);
	say("a line that is not");
	CHECK_STR(from(klog_back(klog_end(), 0), 9), "a line that is not");
	CHECK_STR(from(klog_back(klog_end(), 1), 9), "three\na line that is not");
	say(" ended\n");
}

TEST(the_oldest_is_overwritten_first)
{
	uint64_t first = klog_end(), at, n;
	char line[32];

	for (n = 0; n < 10000; n++) {
		snprintf(line, sizeof(line), "line %06u\n", (unsigned)n);
		say(line);
	}
	/* Reading from what is gone goes on at a whole line, which is as far back as there is. */
	const char *text = from(first, 700);

	CHECK(strlen(text) > KLOG_SIZE - 24 && strlen(text) <= KLOG_SIZE);
	CHECK_EQ(strlen(text) % 12, 0);
	snprintf(line, sizeof(line), "line %06u\n", (unsigned)(n - strlen(text) / 12));
	CHECK(!strncmp(text, line, 12));
	at = klog_back(klog_end(), 100000);
	CHECK_EQ(klog_end() - at, strlen(text));
	CHECK_EQ(klog_back(first, 3), at);
	CHECK_STR(from(klog_back(klog_end(), 2), 5), "line 009998\nline 009999\n");
}

TEST(a_panic_takes_no_lock)
{
	uint64_t pos = klog_end();

	in_panic = true;
	lock = 1; /* held by a CPU that was stopped */
	say("the end\n");
	CHECK_STR(from(pos, 64), "the end\n");
	CHECK_STR(from(klog_back(klog_end(), 1), 64), "the end\n");
	lock = 0;
	in_panic = false;
}
