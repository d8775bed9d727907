/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has somebody else our address? As RFC 5227 says: ARP probes before it is used and a while after,
 * then an eye on all ARP packets, and a defence at most each ten seconds. One thing differs: the
 * first probe gets only a moment, since a node should be there at once. A later answer still counts,
 * and the address is then given up.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "lwip/dhcp.h"
#include "lwip/etharp.h"
#include "lwip/prot/dhcp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/iana.h"
#include "lwip/timeouts.h"
#include "net/internal.h"

#define FIRST_WAIT_MS 30    /* an answer takes less than one on a wire */
#define PROBE_MS      1000  /* RFC 5227, 1.1: PROBE_MIN */
#define PROBES	      3	    /* PROBE_NUM */
#define TAKEN_MS      3000  /* how often we look if a taken address has become free */
#define DEFEND_MS     10000 /* DEFEND_INTERVAL */
#define SHOWN_MS      60000

enum state { OFF, FIRST, PROBING, HELD, TAKEN };

static enum state state;
static ip4_addr_t ours;
static unsigned probes;
static const struct conflict_ops *ops;
static uint8_t other[ETH_HWADDR_LEN]; /* who has it, too */
static uint64_t conflict_ms;	      /* when that was last seen; 0: never */
static uint64_t defended_ms;

void conflict_send_arp(struct nic *nic, const ip4_addr_t *sender, const ip4_addr_t *target)
{
	struct {
		struct eth_hdr eth;
		struct etharp_hdr arp;
	} __attribute__((packed)) f = {
		.eth.type = PP_HTONS(ETHTYPE_ARP),
		.arp.hwtype = PP_HTONS(LWIP_IANA_HWTYPE_ETHERNET),
		.arp.proto = PP_HTONS(ETHTYPE_IP),
		.arp.hwlen = ETH_HWADDR_LEN,
		.arp.protolen = sizeof(ip4_addr_t),
		.arp.opcode = PP_HTONS(ARP_REQUEST),
	};

	memset(&f.eth.dest, 0xff, sizeof(f.eth.dest));
	memcpy(&f.eth.src, nic->mac, sizeof(f.eth.src));
	memcpy(&f.arp.shwaddr, nic->mac, sizeof(f.arp.shwaddr));
	memcpy(&f.arp.sipaddr, sender, sizeof(f.arp.sipaddr));
	memcpy(&f.arp.dipaddr, target, sizeof(f.arp.dipaddr));
	netif_send_raw(nic, &f, sizeof(f));
}

static void probe(void)
{
	conflict_send_arp(net_nic, IP4_ADDR_ANY4, &ours);
}

static const char *mac_text(const uint8_t *mac)
{
	static char text[20];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}

static void step(void *arg)
{
	uint64_t now = net_ms_since_entry();

	(void)arg;
	switch (state) {
	case FIRST:
		state = PROBING;
		sys_timeout(PROBE_MS, step, NULL);
		ops->is_free();
		break;
	case PROBING:
		if (probes++ == PROBES) {
			state = HELD;
			break;
		}
		probe();
		sys_timeout(PROBE_MS, step, NULL);
		break;
	case TAKEN:
		if (now - conflict_ms > 2 * TAKEN_MS) {
			conflict_watch(&ours, ops);
			break;
		}
		probe();
		sys_timeout(TAKEN_MS, step, NULL);
		break;
	case OFF:
	case HELD:
		break;
	}
}

void conflict_watch(const ip4_addr_t *ip, const struct conflict_ops *to_tell)
{
	conflict_stop();
	ip4_addr_copy(ours, *ip);
	ops = to_tell;
	probes = 1;
	state = FIRST;
	probe();
	sys_timeout(FIRST_WAIT_MS, step, NULL);
}

void conflict_hold(const ip4_addr_t *ip)
{
	conflict_stop();
	ip4_addr_copy(ours, *ip);
	state = HELD;
}

void conflict_stop(void)
{
	sys_untimeout(step, NULL);
	state = OFF;
	conflict_ms = 0;
	defended_ms = 0;
}

static void defend(uint64_t now)
{
	if (defended_ms && now - defended_ms < DEFEND_MS)
		return;
	defended_ms = now;
	kprintf("net: the address %s is used by %s, too: one of the two must get another\n",
		ip4addr_ntoa(&ours), mac_text(other));
	conflict_send_arp(net_nic, &ours, &ours);
}

static void give_up(void)
{
	kprintf("net: the address %s is used by %s: doing without it until it is free\n",
		ip4addr_ntoa(&ours), mac_text(other));
	sys_untimeout(step, NULL);
	state = TAKEN;
	sys_timeout(TAKEN_MS, step, NULL);
	ops->is_taken();
}

/* lwIP declines what an ARP answer shows to be in use; here it is only told. */
static void look_at_offer(const ip4_addr_t *sender, const uint8_t *mac)
{
	const struct dhcp *dhcp = netif_dhcp_data(&net_netif);

	if (dhcp && dhcp->state == DHCP_STATE_CHECKING &&
	    ip4_addr_cmp(sender, &dhcp->offered_ip_addr))
		kprintf("net: the address %s, offered by DHCP, is used by %s: asking for another\n",
			ip4addr_ntoa(sender), mac_text(mac));
}

static bool is_mine(const uint8_t *mac)
{
	for (unsigned i = 0; i < net_nic_count; i++)
		if (!memcmp(mac, net_nics[i]->mac, ETH_HWADDR_LEN))
			return true;
	return false;
}

bool conflict_see(const uint8_t *frame, unsigned len)
{
	const struct etharp_hdr *arp = (const void *)(frame + SIZEOF_ETH_HDR);
	ip4_addr_t sender, target;

	if (len < SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR || arp->proto != PP_HTONS(ETHTYPE_IP) ||
	    arp->hwlen != ETH_HWADDR_LEN || arp->protolen != sizeof(ip4_addr_t) ||
	    is_mine(arp->shwaddr.addr))
		return true;
	memcpy(&sender, &arp->sipaddr, sizeof(sender));
	memcpy(&target, &arp->dipaddr, sizeof(target));
	look_at_offer(&sender, arp->shwaddr.addr);
	/* Somebody who probes at the same time has the same in mind (RFC 5227, 2.1.1). */
	if (state == OFF || (!ip4_addr_cmp(&sender, &ours) &&
			     !(ip4_addr_isany_val(sender) && ip4_addr_cmp(&target, &ours) &&
			       (state == FIRST || state == PROBING))))
		return true;
	memcpy(other, arp->shwaddr.addr, sizeof(other));
	conflict_ms = net_ms_since_entry();
	if (state == FIRST || state == PROBING)
		give_up();
	else if (state == HELD)
		defend(conflict_ms);
	/* lwIP would defend the address, too, each time. */
	return false;
}

void conflict_warn(struct net_status *status)
{
	if (state == TAKEN)
		net_warn(status, "%s is used by %s; this node does without until it is free",
			 ip4addr_ntoa(&ours), mac_text(other));
	else if (state == HELD && conflict_ms && net_ms_since_entry() - conflict_ms < SHOWN_MS)
		net_warn(status, "%s is used by %s, too: one must get another address",
			 ip4addr_ntoa(&ours), mac_text(other));
}
