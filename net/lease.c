/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address from DHCP. lwIP does the asking; this keeps it asking, keeps from it what no server in
 * its right mind sends, and watches the lease, which lwIP counts in minutes and forgets to give up
 * when the cable was out.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "lwip/dhcp.h"
#include "lwip/prot/dhcp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/iana.h"
#include "lwip/prot/ip.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/udp.h"
#include "lwip/timeouts.h"
#include "net/dhcpcheck.h"
#include "net/internal.h"

#define TICK_MS	    1000
#define COMPLAIN_MS 5000
/* lwIP asks less and less often, up to once a minute: a server that comes late should not wait. */
#define RESTART_MS 15000
/* What lwIP, which counts in minutes, would renew too late. */
#define SHORT_LEASE_S	 180
#define STRANGE_SHOWN_MS 60000
#define STRANGE_MANY	 10 /* fewer may be late answers */
#define CHADDR		 28 /* in a DHCP message: for whom it is */

static uint64_t asking_since_ms; /* 0: not asking */
static uint64_t complained_ms, restarted_ms;
static uint64_t lease_ms;    /* how long the lease is; 0: for ever */
static uint64_t given_ms;    /* when it was given */
static uint64_t renew_ms;    /* when to ask for more of it */
static const char *why_lost; /* the last lease; NULL: none was */

static unsigned strange;    /* answers that were refused */
static uint64_t strange_ms; /* the last one */
static const char *strange_why;
static uint8_t strange_mac[6];

static struct dhcp *dhcp_now(void)
{
	return netif_dhcp_data(&net_netif);
}

static void start_asking(void)
{
	if (!asking_since_ms) {
		asking_since_ms = net_ms_since_entry();
		complained_ms = asking_since_ms;
	}
	restarted_ms = net_ms_since_entry();
	lease_ms = 0;
	if (dhcp_start(&net_netif) != ERR_OK)
		kprintf("net: DHCP does not start: no memory\n");
}

static void start_again(void)
{
	dhcp_release_and_stop(&net_netif);
	netif_set_addr(&net_netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
	start_asking();
}

static void keep_asking(uint64_t now)
{
	if (now - complained_ms >= COMPLAIN_MS) {
		complained_ms = now;
		kprintf("net: no DHCP server has answered for %u s; still asking (ip=ADDR/LEN on the "
			"command line sets a fixed address)\n",
			(unsigned)((now - asking_since_ms) / 1000));
	}
	if (now - restarted_ms >= RESTART_MS &&
	    (!dhcp_now() || dhcp_now()->state == DHCP_STATE_SELECTING))
		start_again();
}

static void watch_lease(uint64_t now)
{
	if (now - given_ms >= lease_ms) {
		why_lost = "it has expired, and nobody has renewed it";
		kprintf("net: the lease of %s is lost: %s\n",
			ip4addr_ntoa(netif_ip4_addr(&net_netif)), why_lost);
		start_again();
	} else if (lease_ms <= SHORT_LEASE_S * 1000 && now >= renew_ms &&
		   dhcp_supplied_address(&net_netif)) {
		renew_ms = now + lease_ms / 8;
		dhcp_renew(&net_netif);
	}
}

static void tick(void *arg)
{
	uint64_t now = net_ms_since_entry();

	(void)arg;
	sys_timeout(TICK_MS, tick, NULL);
	if (!ip4_addr_isany(netif_ip4_addr(&net_netif))) {
		if (lease_ms)
			watch_lease(now);
		return;
	}
	if (!asking_since_ms) {
		/* lwIP has lost it, and asks again. */
		asking_since_ms = restarted_ms = complained_ms = now;
		lease_ms = 0;
	}
	if (net_nic->link)
		keep_asking(now);
}

void lease_start(void)
{
	why_lost = NULL;
	start_asking();
	sys_timeout(TICK_MS, tick, NULL);
}

void lease_stop(void)
{
	sys_untimeout(tick, NULL);
	asking_since_ms = 0;
	lease_ms = 0;
	if (!dhcp_now())
		return;
	dhcp_release_and_stop(&net_netif);
	dhcp_cleanup(&net_netif);
}

void lease_begins(void)
{
	asking_since_ms = 0;
	why_lost = NULL;
}

static void tell_strange(const uint8_t *mac, const char *why)
{
	strange++;
	strange_why = why;
	strange_ms = net_ms_since_entry();
	memcpy(strange_mac, mac, sizeof(strange_mac));
	/* The first is told, and then each tenfold: thousands may come. */
	for (unsigned n = 1; n <= strange; n *= 10)
		if (n == strange)
			kprintf("net: ignored %u strange DHCP answer%s, the last from "
				"%02x:%02x:%02x:%02x:%02x:%02x: %s\n",
				strange, strange == 1 ? "" : "s", mac[0], mac[1], mac[2], mac[3],
				mac[4], mac[5], why);
}

/* An answer that lwIP will obey. */
static void obey(const struct dhcp_answer *answer)
{
	unsigned state = dhcp_now()->state;
	bool asked = state == DHCP_STATE_REQUESTING || state == DHCP_STATE_REBOOTING ||
		     state == DHCP_STATE_RENEWING || state == DHCP_STATE_REBINDING;

	if (!asked)
		return;
	if (answer->kind == DHCP_KIND_ACK) {
		lease_ms = answer->lease_s == ~0u ? 0 : answer->lease_s * 1000ull;
		given_ms = net_ms_since_entry();
		renew_ms = given_ms + lease_ms / 2;
	} else if (answer->kind == DHCP_KIND_NAK) {
		why_lost = "the server has refused it";
		kprintf("net: the DHCP server refuses %s\n",
			ip4addr_ntoa(&dhcp_now()->offered_ip_addr));
	}
}

bool lease_see(const uint8_t *frame, unsigned len)
{
	const struct eth_hdr *eth = (const void *)frame;
	const struct ip_hdr *ip = (const void *)(frame + SIZEOF_ETH_HDR);
	unsigned at = SIZEOF_ETH_HDR + IPH_HL_BYTES(ip) + UDP_HLEN;
	struct dhcp_answer answer;
	const char *wrong;

	/* lwIP looks at no answer then, either. Those to others are broadcast, too. */
	if (!dhcp_now() || dhcp_now()->state == DHCP_STATE_OFF || at + CHADDR + 6 > len ||
	    memcmp(frame + at + CHADDR, net_nic->mac, 6))
		return true;
	wrong = dhcp_check(frame + at, len - at, dhcp_now()->xid, net_nic->mac, &answer);
	if (!wrong) {
		obey(&answer);
		return true;
	}
	tell_strange(eth->src.addr, wrong);
	return false;
}

void lease_status(struct net_status *status)
{
	uint64_t now = net_ms_since_entry();
	unsigned asking_s = asking_since_ms ? (now - asking_since_ms) / 1000 : 0;

	if (!asking_since_ms) {
		snprintf(status->state, sizeof(status->state), "DHCP");
	} else {
		snprintf(status->state, sizeof(status->state), "asking for an address (DHCP), %u s",
			 asking_s);
		if (why_lost)
			net_warn(status, "the address is lost: %s", why_lost);
		if (asking_s >= COMPLAIN_MS / 1000)
			net_warn(status,
				 "no DHCP server answers; a fixed address can be set instead");
	}
	if (strange >= STRANGE_MANY && now - strange_ms < STRANGE_SHOWN_MS)
		net_warn(status, "%u strange DHCP answers from %02x:%02x:%02x:%02x:%02x:%02x: %s",
			 strange, strange_mac[0], strange_mac[1], strange_mac[2], strange_mac[3],
			 strange_mac[4], strange_mac[5], strange_why);
}
