/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people are shown of the network. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/announce.h"
#include "net/internal.h"

void net_warn(struct net_status *status, const char *fmt, ...)
{
	va_list ap;

	if (status->warnings == NET_WARNINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(status->warning[status->warnings], sizeof(status->warning[0]), fmt, ap);
	va_end(ap);
	status->warnings++;
}

static void collect(void *arg)
{
	struct net_status *status = arg;
	const struct nic *nic = net_nic ? net_nic : net_nic_count ? net_nics[0] : NULL;

	snprintf(status->name, sizeof(status->name), "%s", announce_name());
	status->sessions = transport_sessions();
	choose_warn(status);
	if (!nic) {
		snprintf(status->card, sizeof(status->card), "none that we can drive");
		return;
	}
	snprintf(status->card, sizeof(status->card), "%s %02x:%02x:%02x:%02x:%02x:%02x",
		 nic->driver->name, nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4],
		 nic->mac[5]);
	status->link = nic->link;
	status->rx_bytes = nic->stats.rx_bytes;
	status->tx_bytes = nic->stats.tx_bytes;
	if (net_nic)
		ifconfig_status(status);
	else
		snprintf(status->state, sizeof(status->state), "no cable: no card has a link");
}

void net_get_status(struct net_status *status)
{
	memset(status, 0, sizeof(*status));
	net_call(collect, status);
}

struct list {
	struct net_card_status *cards;
	unsigned max, count;
};

static void describe(const struct nic *nic, struct net_card_status *c)
{
	const struct nic_stats *s = &nic->stats;

	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "eth%u", nic->index);
	snprintf(c->driver, sizeof(c->driver), "%s", nic->driver->name);
	snprintf(c->place, sizeof(c->place), "%s", nic->place);
	snprintf(c->problem, sizeof(c->problem), "%s", nic->problem);
	memcpy(c->mac, nic->mac, sizeof(c->mac));
	c->in_use = nic == net_nic;
	c->works = nic->running;
	c->link = nic->link;
	c->mbit = nic->link ? nic->mbit : 0;
	c->resets = nic->watch.resets;
	c->rx_frames = s->rx_frames;
	c->rx_bytes = s->rx_bytes;
	c->rx_errors = s->rx_errors;
	c->rx_dropped = s->rx_dropped;
	c->rx_overruns = s->rx_overruns;
	c->tx_frames = s->tx_frames;
	c->tx_bytes = s->tx_bytes;
	c->tx_full = s->tx_full;
	c->irqs = s->irqs;
}

static void list_cards(void *arg)
{
	struct list *list = arg;

	for (; list->count < net_nic_count && list->count < list->max; list->count++)
		describe(net_nics[list->count], &list->cards[list->count]);
}

unsigned net_get_cards(struct net_card_status *cards, unsigned max)
{
	struct list list = { .cards = cards, .max = max };

	net_call(list_cards, &list);
	return list.count;
}
