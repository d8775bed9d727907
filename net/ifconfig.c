/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node's address: ip=A.B.C.D/LEN and gw=A.B.C.D, or DHCP, which goes on asking for as long as it
 * takes and says so. Both can be changed while the node runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kprintf.h"
#include "kernel/settings.h"
#include "lwip/etharp.h"
#include "lwip/prot/ethernet.h"
#include "lwip/prot/ip4.h"
#include "net/internal.h"

struct address {
	bool fixed;
	ip4_addr_t ip, mask, gw;
};

static struct address wanted;
static ip4_addr_t told; /* the address that was announced last */

bool address_is_usable(const ip4_addr_t *ip)
{
	uint8_t first = ip4_addr1(ip);

	return first && first != 127 && first < 224;
}

static unsigned prefix_len(const ip4_addr_t *mask)
{
	uint32_t bits = lwip_ntohl(ip4_addr_get_u32(mask));

	return bits ? 32 - __builtin_ctz(bits) : 0;
}

/* --- what was said about the address ---------------------------------------------------------- */

/* ADDRESS[/LEN] (LEN is 24 if left out) or dhcp; false if it is neither. The gateway stays. */
static bool parse_address(const char *text, struct address *a)
{
	size_t n = strcspn(text, "/");
	char addr[16], *end;
	long len = 24;

	if (!strcmp(text, "dhcp")) {
		a->fixed = false;
		return true;
	}
	if (text[n]) {
		len = strtol(text + n + 1, &end, 10);
		if (end == text + n + 1 || *end || len < 1 || len > 31)
			return false;
	}
	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = 0;
	if (!ip4addr_aton(addr, &a->ip) || !address_is_usable(&a->ip))
		return false;
	ip4_addr_set_u32(&a->mask, lwip_htonl(~0u << (32 - len)));
	a->fixed = true;
	return true;
}

static bool parse_gateway(const char *text, struct address *a)
{
	ip4_addr_t gw;

	ip4_addr_set_zero(&gw);
	if (text && *text && strcmp(text, "none") &&
	    (!ip4addr_aton(text, &gw) || !address_is_usable(&gw)))
		return false;
	ip4_addr_copy(a->gw, gw);
	return true;
}

void ifconfig_init(void)
{
	const char *ip = setting_get("ip"), *gw = setting_get("gw");

	if (ip && !parse_address(ip, &wanted))
		kprintf("net: ip=%s is not ADDRESS/LENGTH: using DHCP\n", ip);
	if (gw && !parse_gateway(gw, &wanted))
		kprintf("net: gw=%s is not an address: going without\n", gw);
}

bool ifconfig_is_static(void)
{
	return wanted.fixed;
}

void ifconfig_ask_gateway(struct nic *nic)
{
	if (!ip4_addr_isany_val(wanted.gw))
		conflict_send_arp(nic, IP4_ADDR_ANY4, &wanted.gw);
}

/* Who sends this, if it says so in one of the two ways that there are? */
static bool sender_of(const uint8_t *frame, unsigned len, ip4_addr_t *ip)
{
	const struct eth_hdr *eth = (const void *)frame;
	const uint8_t *body = frame + SIZEOF_ETH_HDR;
	unsigned at;

	if (len < SIZEOF_ETH_HDR + LWIP_MAX(SIZEOF_ETHARP_HDR, IP_HLEN))
		return false;
	if (eth->type == PP_HTONS(ETHTYPE_ARP))
		at = offsetof(struct etharp_hdr, sipaddr);
	else if (eth->type == PP_HTONS(ETHTYPE_IP))
		at = offsetof(struct ip_hdr, src);
	else
		return false;
	memcpy(ip, body + at, sizeof(*ip));
	return true;
}

bool ifconfig_is_near(const uint8_t *frame, unsigned len)
{
	ip4_addr_t ip;

	return sender_of(frame, len, &ip) && ip4_addr_netcmp(&ip, &wanted.ip, &wanted.mask);
}

/* --- a fixed one ------------------------------------------------------------------------------ */

static void take_address(void)
{
	netif_set_addr(&net_netif, &wanted.ip, &wanted.mask, &wanted.gw);
}

static void leave_address(void)
{
	announce_stopped();
	netif_set_addr(&net_netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

static const struct conflict_ops conflict_ops = { take_address, leave_address };

/* --- either ----------------------------------------------------------------------------------- */

static void address_changed(struct netif *netif)
{
	char gw[16];

	if (ip4_addr_cmp(&told, netif_ip4_addr(netif)))
		return;
	ip4_addr_copy(told, *netif_ip4_addr(netif));
	choose_soon();
	if (ip4_addr_isany_val(told)) {
		kprintf("net: the address is no longer ours\n");
		announce_stopped();
		return;
	}
	if (!wanted.fixed) {
		lease_begins();
		conflict_hold(&told);
	}
	ip4addr_ntoa_r(netif_ip4_gw(netif), gw, sizeof(gw));
	kprintf("net: address %s/%u, gateway %s (%s), %u ms after kernel entry\n",
		ip4addr_ntoa(&told), prefix_len(netif_ip4_netmask(netif)),
		ip4_addr_isany(netif_ip4_gw(netif)) ? "none" : gw, wanted.fixed ? "static" : "DHCP",
		(unsigned)net_ms_since_entry());
	announce_now();
}

void ifconfig_start(void)
{
	ip4_addr_set_zero(&told);
	netif_set_status_callback(&net_netif, address_changed);
	if (!wanted.fixed)
		lease_start();
	else if (net_nic->link)
		conflict_watch(&wanted.ip, &conflict_ops);
}

void ifconfig_stop(void)
{
	netif_set_status_callback(&net_netif, NULL);
	conflict_stop();
	lease_stop();
	netif_set_addr(&net_netif, IP4_ADDR_ANY4, IP4_ADDR_ANY4, IP4_ADDR_ANY4);
}

void ifconfig_link_changed(void)
{
	/*
	 * Who is behind the cable now may have our address, too. With DHCP, lwIP itself asks if the
	 * lease still holds there.
	 */
	if (wanted.fixed && net_nic->link)
		conflict_watch(&wanted.ip, &conflict_ops);
}

void ifconfig_status(struct net_status *status)
{
	const ip4_addr_t *ip = netif_ip4_addr(&net_netif);

	if (!ip4_addr_isany(ip))
		snprintf(status->address, sizeof(status->address), "%s/%u", ip4addr_ntoa(ip),
			 prefix_len(netif_ip4_netmask(&net_netif)));
	if (!net_nic->link)
		snprintf(status->state, sizeof(status->state), "link down");
	else if (wanted.fixed)
		snprintf(status->state, sizeof(status->state), "static");
	else
		lease_status(status);
	conflict_warn(status);
}

/* --- changes while the node runs -------------------------------------------------------------- */

static void start_again(void)
{
	if (!net_nic)
		return;
	ifconfig_stop();
	ifconfig_start();
}

struct change {
	const char *text;
	bool (*parse)(const char *text, struct address *a);
	int result;
};

static void change(void *arg)
{
	struct change *c = arg;
	struct address a = wanted;

	c->result = c->parse(c->text, &a) ? 0 : -EINVAL;
	if (c->result)
		return;
	wanted = a;
	if (c->parse == parse_address)
		sessions_end_then("the node changes its address", start_again);
	else if (wanted.fixed && net_nic)
		netif_set_gw(&net_netif, &wanted.gw);
}

int net_set_address(const char *text)
{
	struct change c = { .text = text, .parse = parse_address };

	net_call(change, &c);
	return c.result;
}

int net_set_gateway(const char *text)
{
	struct change c = { .text = text, .parse = parse_gateway };

	net_call(change, &c);
	return c.result;
}
