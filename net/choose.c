/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which card is used, where there are several: the first with a link, unless it stays without an
 * answer and another may have one. Whoever runs the node can fix the choice (card=, the menu).
 *
 * An answer is an address from a DHCP server or, with a fixed address, a frame of somebody in our
 * network; next to nothing else, one of anybody. So that quiet networks say something, we ask on all
 * of them who is there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/settings.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/igmp.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/timeouts.h"
#include "net/internal.h"
#include "proto/limits.h"

#define TICK_MS	 500
#define TRIAL_MS 6000 /* DHCP asks three times within this */
#define HEAR_MS	 1500 /* answers to what we ask on all cards take less */
#define ASK_MS	 8000 /* how often we ask who is there once a trial has ended without a word */
/* Links that come and go within this were only plugged around, and sessions outlive it. */
#define NO_LINK_MS 2000

static int pinned = -1;	    /* the only one that may be used */
static bool proven;	    /* the card in use has an answer */
static uint64_t trial_ms;   /* since when it is tried */
static uint64_t no_link_ms; /* since when it has no link; 0: it has */
static uint64_t ask_ms;	    /* when to ask around again */
static bool said_no_link;
static bool due;

static unsigned usable_cards(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < net_nic_count; i++)
		n += net_nics[i]->running && net_nics[i]->link;
	return n;
}

/* The next card with a link behind that one, in a circle, itself last; NULL. */
static struct nic *next_card(const struct nic *after)
{
	unsigned from = after ? after->index + 1 : 0;

	for (unsigned i = 0; i < net_nic_count; i++) {
		struct nic *nic = net_nics[(from + i) % net_nic_count];

		if (nic->running && nic->link && (pinned < 0 || nic->index == (unsigned)pinned))
			return nic;
	}
	return NULL;
}

/* The card that has heard more than the one in use; NULL. */
static struct nic *better_card(void)
{
	struct nic *best = net_nic;

	for (unsigned i = 0; i < net_nic_count; i++)
		if (net_nics[i]->running && net_nics[i]->link && net_nics[i]->heard > best->heard)
			best = net_nics[i];
	return best == net_nic ? NULL : best;
}

void choose_hear(struct nic *nic, const uint8_t *frame, unsigned len)
{
	enum nic_heard heard;

	if (proven || !ifconfig_is_static())
		return;
	heard = ifconfig_is_near(frame, len) ? HEARD_NEAR : HEARD_ANY;
	if (heard <= nic->heard)
		return;
	nic->heard = heard;
	choose_soon();
}

static void use_card(struct nic *nic, const char *why)
{
	if (nic == net_nic)
		return;
	if (net_nic || net_nic_count > 1)
		kprintf("net: using eth%u%s%s\n", nic->index, *why ? ": " : "", why);
	if (net_nic)
		netif_detach();
	trial_ms = net_ms_since_entry();
	proven = false;
	no_link_ms = 0;
	netif_attach(nic);
}

static bool has_answer(void)
{
	if (ifconfig_is_static())
		return net_nic->heard == HEARD_NEAR || transport_sessions();
	return !ip4_addr_isany(netif_ip4_addr(&net_netif));
}

/*
 * An IGMP query (RFC 2236, from 0.0.0.0 as RFC 4541 has it for those that are no router): each home
 * that listens for announcements answers it within half a second.
 */
static void ask_who_listens(struct nic *nic)
{
	struct {
		struct eth_hdr eth;
		struct ip_hdr ip;
		struct igmp_msg igmp;
	} __attribute__((packed)) q = {
		.eth.dest.addr = { 0x01, 0x00, 0x5e, 0, 0, 1 },
		.eth.type = PP_HTONS(ETHTYPE_IP),
		.ip._v_hl = 0x45,
		.ip._len = PP_HTONS(IP_HLEN + IGMP_MINLEN),
		.ip._ttl = 1,
		.ip._proto = IP_PROTO_IGMP,
		.ip.dest.addr = PP_HTONL(0xe0000001),
		.igmp.igmp_msgtype = IGMP_MEMB_QUERY,
		.igmp.igmp_maxresp = 5,
	};

	memcpy(q.eth.src.addr, nic->mac, sizeof(nic->mac));
	q.ip._chksum = ~net_chksum(&q.ip, sizeof(q.ip));
	q.igmp.igmp_checksum = ~net_chksum(&q.igmp, sizeof(q.igmp));
	netif_send_raw(nic, &q, sizeof(q));
}

static void ask_around(uint64_t now)
{
	if (now < ask_ms)
		return;
	ask_ms = now - trial_ms < TRIAL_MS ? 0 : now + ASK_MS;
	for (unsigned i = 0; i < net_nic_count; i++)
		if (net_nics[i]->running && net_nics[i]->link) {
			ask_who_listens(net_nics[i]);
			ifconfig_ask_gateway(net_nics[i]);
		}
}

/* The card in use has no link: for how long is that to be borne? */
static bool link_is_lost(uint64_t now)
{
	if (!no_link_ms)
		no_link_ms = now;
	return now - no_link_ms >= (transport_sessions() ? SESSION_SILENCE_MS : NO_LINK_MS) ||
	       !proven || !net_nic->running;
}

static void look_at_card_in_use(void)
{
	uint64_t now = net_ms_since_entry();
	struct nic *other;

	if (!net_nic->link) {
		other = link_is_lost(now) ? next_card(net_nic) : NULL;
		if (other)
			use_card(other, net_nic->running ? "the other one has no link"
							 : "the other one does not work");
		return;
	}
	no_link_ms = 0;
	proven = proven || has_answer();
	/* A lease may be lost: then the search begins again. */
	if (proven && !ifconfig_is_static() && !has_answer()) {
		proven = false;
		trial_ms = now;
	}
	if (proven || pinned >= 0 || usable_cards() < 2)
		return;
	if (ifconfig_is_static())
		ask_around(now);
	if (now - trial_ms < (ifconfig_is_static() ? HEAR_MS : TRIAL_MS))
		return;
	/* Without DHCP, nobody need answer at all: only one that has heard more is better. */
	other = ifconfig_is_static() ? better_card() : next_card(net_nic);
	if (other)
		use_card(other, "nobody answers on the other one");
}

static void choose(void)
{
	struct nic *first;

	if (net_nic && pinned >= 0 && net_nic->index != (unsigned)pinned) {
		first = next_card(NULL);
		if (first)
			use_card(first, "it was chosen");
	}
	if (net_nic) {
		look_at_card_in_use();
	} else {
		first = next_card(NULL);
		if (first)
			use_card(first, "");
	}
	if (usable_cards()) {
		said_no_link = false;
	} else if (net_nic_count && !said_no_link && net_ms_since_entry() >= NO_LINK_MS) {
		said_no_link = true;
		kprintf("net: no card has a link: is the cable in?\n");
	}
}

void choose_soon(void)
{
	due = true;
}

void choose_if_due(void)
{
	if (!due)
		return;
	due = false;
	choose();
}

static void tick(void *arg)
{
	(void)arg;
	sys_timeout(TICK_MS, tick, NULL);
	cards_watch();
	choose();
}

/* "eth1": 1; -ENODEV if there is no such card. */
static int card_number(const char *name)
{
	char *end;
	unsigned long n;

	if (strncmp(name, "eth", 3) || name[3] < '0' || name[3] > '9')
		return -EINVAL;
	n = strtoul(name + 3, &end, 10);
	if (*end)
		return -EINVAL;
	return n < net_nic_count ? (int)n : -ENODEV;
}

void choose_start(void)
{
	const char *name = setting_get("card");

	if (name) {
		pinned = card_number(name);
		if (pinned < 0)
			kprintf("net: card=%s: there is no such card\n", name);
	}
	choose();
	sys_timeout(TICK_MS, tick, NULL);
}

struct choice {
	const char *name;
	int result;
};

static void choose_card(void *arg)
{
	struct choice *c = arg;
	int n = -1;

	c->result = 0;
	if (c->name && strcmp(c->name, "auto")) {
		n = card_number(c->name);
		if (n < 0 || !net_nics[n]->running) {
			c->result = n < 0 ? n : -ENODEV;
			return;
		}
	}
	pinned = n;
	if (n >= 0 && (!net_nic || net_nic->index != (unsigned)n))
		sessions_end_then("the node changes its network card", choose);
}

int net_choose_card(const char *name)
{
	struct choice c = { .name = name };

	net_call(choose_card, &c);
	return c.result;
}

void choose_warn(struct net_status *status)
{
	if (!net_nic_count)
		net_warn(status, "no network card that can be driven");
	else if (!usable_cards())
		net_warn(status, "no card has a link: is the cable in?");
	else if (pinned >= 0 && (!net_nic || !net_nic->link))
		net_warn(status, "eth%d, which was chosen, has no link; another one has", pinned);
	cards_warn(status);
}
