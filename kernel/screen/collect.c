/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the status screen shows, from all over the node. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/klog.h"
#include "kernel/mm/page.h"
#include "kernel/proc/sched.h"
#include "kernel/screen/status.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"

#define MESSAGE_LINES 40
#define CARDS 8

/* Of the last collection, to see what has changed since. */
static struct {
	uint64_t at_ns, rx_bytes, tx_bytes;
	unsigned guests;
	struct {
		uint32_t pid;
		char home[sizeof(((struct guest_info *)0)->home)];
		uint64_t cpu_ns;
	} guest[STATUS_GUESTS];
} before;

static uint64_t per_second(uint64_t now, uint64_t then, uint64_t ns)
{
	return now > then && ns ? (now - then) * NSEC_PER_SEC / ns : 0;
}

static unsigned percent_of(const struct guest_info *g, uint64_t ns)
{
	for (unsigned i = 0; i < before.guests; i++)
		if (before.guest[i].pid == g->pid && !strcmp(before.guest[i].home, g->home))
			return per_second(g->cpu_ns, before.guest[i].cpu_ns, ns) * 100 /
			       NSEC_PER_SEC;
	return 0;
}

static int busier(const void *a, const void *b)
{
	const struct status_guest *x = a, *y = b;

	if (x->percent != y->percent)
		return x->percent < y->percent ? 1 : -1;
	return x->info.pid < y->info.pid ? -1 : x->info.pid > y->info.pid;
}

static void collect_guests(struct status *s, uint64_t ns)
{
	static struct guest_info list[STATUS_GUESTS];

	s->guests = guest_count();
	s->listed = guest_list(list, STATUS_GUESTS);
	/* Counted at another moment than listed. */
	if (s->guests < s->listed)
		s->guests = s->listed;
	for (unsigned i = 0; i < s->listed; i++) {
		s->guest[i].info = list[i];
		s->guest[i].percent = percent_of(&list[i], ns);
	}
	before.guests = s->listed;
	for (unsigned i = 0; i < s->listed; i++) {
		before.guest[i].pid = list[i].pid;
		before.guest[i].cpu_ns = list[i].cpu_ns;
		strcpy(before.guest[i].home, list[i].home);
	}
	qsort(s->guest, s->listed, sizeof(s->guest[0]), busier);
}

static void warn(struct status *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct status *s, const char *fmt, ...)
{
	va_list ap;

	if (s->warnings == STATUS_WARNINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(s->warning[s->warnings++], sizeof(s->warning[0]), fmt, ap);
	va_end(ap);
}

static void collect_network(struct status *s, uint64_t ns)
{
	static struct net_card_status cards[CARDS];

	net_get_status(&s->net);
	s->rx_rate = per_second(s->net.rx_bytes, before.rx_bytes, ns);
	s->tx_rate = per_second(s->net.tx_bytes, before.tx_bytes, ns);
	before.rx_bytes = s->net.rx_bytes;
	before.tx_bytes = s->net.tx_bytes;
	s->cards = net_get_cards(cards, CARDS);
	s->card[0] = '\0';
	s->mbit = 0;
	for (unsigned i = 0; i < s->cards; i++)
		if (cards[i].in_use) {
			snprintf(s->card, sizeof(s->card), "%s", cards[i].name);
			s->mbit = cards[i].mbit;
		}
}

static void collect_warnings(struct status *s)
{
	const char *problem;

	s->warnings = 0;
	for (unsigned i = 0; i < s->net.warnings; i++)
		warn(s, "%s", s->net.warning[i]);
	if (s->memory_used > s->memory / 20 * 19)
		warn(s,
		     "less than a twentieth of the memory is free: large guests will be sent home");
	for (unsigned i = 0; (problem = settings_problem(i)) != NULL; i++)
		warn(s, "setting %s", problem);
}

static void collect_messages(struct status *s)
{
	uint64_t end = klog_end(), pos;
	unsigned lines = MESSAGE_LINES;

	while (end - (pos = klog_back(end, lines)) > sizeof(s->messages))
		lines--;
	s->messages_len = klog_read(&pos, s->messages, end - pos);
}

void status_collect(struct status *s)
{
	uint64_t now = clock_now_ns(), ns = now - before.at_ns;

	s->up_s = now / NSEC_PER_SEC;
	collect_network(s, ns);
	s->cpus = cpu_count();
	s->mhz = cpu_speed_mhz();
	s->load_milli = sched_load_milli();
	s->memory = mem_total_pages() * PAGE_SIZE;
	s->memory_used = s->memory - mem_free_pages() * PAGE_SIZE;
	s->closed = guest_closed();
	collect_guests(s, ns);
	collect_warnings(s);
	collect_messages(s);
	before.at_ns = now;
}
