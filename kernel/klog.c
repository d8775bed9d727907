/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ring of messages. */
#include "kernel/klog.h"

#include <stdbool.h>

#include "kernel/panic.h"
#include "kernel/sync/spinlock.h"

static char ring[KLOG_SIZE];
static uint64_t end; /* bytes ever written; the byte at position p is ring[p % KLOG_SIZE] */
static spinlock_t lock = SPINLOCK_INIT;

/* In a panic the holder of the lock may be stopped for ever, and nobody else writes any more. */
static bool begin(unsigned long *flags)
{
	if (panic_in_progress())
		return false;
	*flags = spin_lock_irqsave(&lock);
	return true;
}

static void finish(bool locked, unsigned long flags)
{
	if (locked)
		spin_unlock_irqrestore(&lock, flags);
}

void klog_append(const char *s, size_t len)
{
	unsigned long flags = 0;
	bool locked = begin(&flags);

	for (size_t i = 0; i < len; i++)
		ring[end++ % KLOG_SIZE] = s[i];
	finish(locked, flags);
}

/* The first position that is kept and begins a line. */
static uint64_t oldest(void)
{
	uint64_t pos = end - KLOG_SIZE;

	if (end <= KLOG_SIZE)
		return 0;
	/* What precedes the ring is gone, so its first piece counts as the rest of a line. */
	while (pos < end && ring[pos % KLOG_SIZE] != '\n')
		pos++;
	return pos < end ? pos + 1 : end - KLOG_SIZE;
}

size_t klog_read(uint64_t *pos, char *buf, size_t size)
{
	unsigned long flags = 0;
	bool locked = begin(&flags);
	size_t len = 0;

	if (*pos > end)
		*pos = end;
	if (end > KLOG_SIZE && *pos < end - KLOG_SIZE)
		*pos = oldest();
	while (len < size && *pos < end)
		buf[len++] = ring[(*pos)++ % KLOG_SIZE];
	finish(locked, flags);
	return len;
}

uint64_t klog_end(void)
{
	unsigned long flags = 0;
	bool locked = begin(&flags);
	uint64_t at = end;

	finish(locked, flags);
	return at;
}

uint64_t klog_back(uint64_t pos, unsigned lines)
{
	unsigned long flags = 0;
	bool locked = begin(&flags);
	uint64_t first = oldest();

	if (pos > end)
		pos = end;
	/* Each newline passed but the one that ends the previous line is one line further back. */
	while (pos > first) {
		if (ring[(pos - 1) % KLOG_SIZE] == '\n' && lines-- == 0)
			break;
		pos--;
	}
	if (pos < first)
		pos = first;
	finish(locked, flags);
	return pos;
}
