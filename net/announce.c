/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says each second that this node is here, what it is and how busy it is. */
#include "net/announce.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/percpu.h"
#include "kernel/kprintf.h"
#include "kernel/mm/page.h"
#include "kernel/proc/sched.h"
#include "kernel/random.h"
#include "kernel/settings.h"
#include "kernel/time/clock.h"
#include "lwip/igmp.h"
#include "lwip/timeouts.h"
#include "lwip/udp.h"
#include "net/internal.h"
#include "proto/announce.h"

static struct udp_pcb *pcb;
static struct announce announce;
static ip_addr_t group, home;
static uint16_t udp_port, home_port; /* home_port 0: no home= */
static bool announced, joined, leaving;
static bool stopped; /* until there is an address (again) */

__attribute__((weak)) unsigned guest_count(void)
{
	return 0;
}

/* ADDR or ADDR:PORT; false, with a message, if it is neither. */
static bool parse_endpoint(const char *key, ip_addr_t *ip, uint16_t *to_port)
{
	const char *text = setting_get(key);
	char addr[16];
	size_t n;

	if (!text)
		return false;
	n = strcspn(text, ":");
	if (n < sizeof(addr)) {
		memcpy(addr, text, n);
		addr[n] = 0;
	}
	if (n >= sizeof(addr) || !ipaddr_aton(addr, ip)) {
		kprintf("net: %s=%s is not ADDRESS[:PORT]: ignored\n", key, text);
		return false;
	}
	if (text[n])
		*to_port = strtoul(text + n + 1, NULL, 10);
	return true;
}

/* NULL or "": one made from the card; a longer one is cut. False: would not pass announce_check(). */
static bool set_name(const char *name)
{
	const uint8_t *mac = net_nic_count ? net_nics[0]->mac : announce.id;
	char *out = announce.name;

	for (const char *p = name; p && *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	memset(out, 0, sizeof(announce.name));
	if (name && *name)
		snprintf(out, sizeof(announce.name), "%s", name);
	else
		snprintf(out, sizeof(announce.name), "node-%02x%02x%02x", mac[3], mac[4], mac[5]);
	return true;
}

static void fill(void)
{
	announce.flags &= ANNOUNCE_CLOSED;
	announce.seq++;
	announce.ncpu = cpu_count();
	announce.load = sched_load_milli() / 10;
	announce.guests = guest_count();
	announce.mem_total = mem_total_pages() * PAGE_SIZE;
	announce.mem_free = mem_free_pages() * PAGE_SIZE;
	announce.uptime_ms = clock_now_ns() / NSEC_PER_MSEC;
	if (stopped)
		announce.flags |= ANNOUNCE_GOODBYE;
}

static void send_to(const ip_addr_t *ip, uint16_t to_port)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, sizeof(announce), PBUF_RAM);

	/* Without memory the next second will do. */
	if (!p)
		return;
	memcpy(p->payload, &announce, sizeof(announce));
	udp_sendto_if(pcb, p, ip, to_port, &net_netif);
	pbuf_free(p);
}

static bool can_send(void)
{
	return !leaving && net_nic && net_nic->link && !ip4_addr_isany(netif_ip4_addr(&net_netif));
}

static void send_all(void)
{
	fill();
	send_to(&group, udp_port);
	if (home_port)
		send_to(&home, home_port);
}

static void each_second(void *arg)
{
	(void)arg;
	sys_timeout(ANNOUNCE_INTERVAL_MS, each_second, NULL);
	if (can_send() && !stopped)
		send_all();
}

void announce_now(void)
{
	ip_addr_t as = *IP4_ADDR_ANY;
	uint16_t as_port = announce.port;
	bool again = stopped;

	if (!can_send())
		return;
	stopped = false;
	/* Switches that watch IGMP then know that the group is in use here. */
	if (!joined)
		joined = igmp_joingroup_netif(&net_netif, ip_2_ip4(&group)) == ERR_OK;
	ip4_addr_copy(*ip_2_ip4(&as), *netif_ip4_addr(&net_netif));
	parse_endpoint("advertise", &as, &as_port);
	memcpy(announce.ip, &ip_2_ip4(&as)->addr, sizeof(announce.ip));
	announce.port = as_port;
	memcpy(announce.mac, net_nic->mac, sizeof(announce.mac));
	send_all();
	if (!announced)
		sys_timeout(ANNOUNCE_INTERVAL_MS, each_second, NULL);
	if (!announced || again)
		kprintf("net: announced as %s at %s:%u, %u ms after kernel entry\n", announce.name,
			ipaddr_ntoa(&as), as_port, (unsigned)net_ms_since_entry());
	announced = true;
}

void announce_stopped(void)
{
	if (stopped)
		return;
	stopped = true;
	if (can_send())
		send_all();
	/* The card or the address may be gone already: then nobody hears it. */
	if (joined)
		igmp_leavegroup_netif(&net_netif, ip_2_ip4(&group));
	joined = false;
}

static void say_goodbye(void *arg)
{
	(void)arg;
	announce_stopped();
	leaving = true;
	netif_poll_cards(); /* the card learns of it now */
}

void announce_goodbye(void)
{
	net_call(say_goodbye, NULL);
}

static void set_closed(void *arg)
{
	bool closed = *(bool *)arg;

	announce.flags = closed ? ANNOUNCE_CLOSED : 0;
	if (can_send() && !stopped)
		send_all();
}

void announce_closed(bool closed)
{
	net_call(set_closed, &closed);
}

struct name {
	const char *text;
	int result;
};

static void change_name(void *arg)
{
	struct name *n = arg;

	n->result = set_name(n->text) ? 0 : -EINVAL;
	if (!n->result && can_send() && !stopped)
		send_all();
}

int net_set_name(const char *name)
{
	struct name n = { .text = name };

	net_call(change_name, &n);
	return n.result;
}

const uint8_t *announce_id(void)
{
	return announce.id;
}

const char *announce_name(void)
{
	return announce.name;
}

uint16_t announce_port(void)
{
	return setting_get_u64("port", MUSTER_PORT);
}

static void hear(void *arg, struct udp_pcb *from_pcb, struct pbuf *p, const ip_addr_t *from,
		 uint16_t from_port)
{
	(void)arg, (void)from_pcb, (void)from_port;
	/* One buffer holds a frame, and so a whole announcement. */
	if (p->len == p->tot_len)
		neighbours_hear(p->payload, p->len, ip_2_ip4(from));
	pbuf_free(p);
}

/* A short loop of dependent multiplications: how fast one CPU is, next to its neighbours. */
static uint32_t measure_speed(void)
{
	const uint32_t rounds = 200000;
	volatile uint64_t sink;
	uint64_t x = 1, start = clock_now_ns(), ns;

	for (uint32_t i = 0; i < rounds; i++)
		x = x * 6364136223846793005ull + (x >> 7);
	sink = x;
	(void)sink;
	ns = clock_now_ns() - start;
	return ns ? rounds * 1000ull / ns : 0;
}

void announce_start(void)
{
	const char *group_text = setting_get("group");

	announce.magic = ANNOUNCE_MAGIC;
	announce.version = WIRE_VERSION;
	announce.port = announce_port();
	announce.mhz = cpu_speed_mhz();
	announce.speed = measure_speed();
	announce.xcr0 = cpu_features.xcr0;
	memcpy(announce.cpu, cpu_features.words, sizeof(announce.cpu));
	strncpy(announce.program, MUSTER_VERSION, sizeof(announce.program) - 1);
	random_bytes(announce.id, sizeof(announce.id));
	if (!set_name(setting_get("name"))) {
		set_name(NULL);
		kprintf("net: name= is not printable: using %s\n", announce.name);
	}

	udp_port = announce_port();
	home_port = 0;
	if (!group_text || !ipaddr_aton(group_text, &group) || !ip_addr_ismulticast(&group)) {
		if (group_text)
			kprintf("net: group=%s is not a multicast address: using %s\n", group_text,
				MUSTER_GROUP);
		ipaddr_aton(MUSTER_GROUP, &group);
	}
	home_port = udp_port;
	if (!parse_endpoint("home", &home, &home_port))
		home_port = 0;
	pcb = udp_new();
	if (!pcb || udp_bind(pcb, IP_ADDR_ANY, udp_port) != ERR_OK)
		panic("net: no memory to announce the node");
	pcb->mcast_ttl = 4;
	udp_recv(pcb, hear, NULL);
}
