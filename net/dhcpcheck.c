/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of DHCP answers, without lwIP, so that they can be tested alone. */
#include "net/dhcpcheck.h"

#include <string.h>

enum {
	OP = 0,
	HTYPE = 1,
	HLEN = 2,
	XID = 4,
	YIADDR = 16,
	CHADDR = 28,
	COOKIE = 236,
	OPTIONS = 240,
};

#define BOOTREPLY      2
#define HTYPE_ETHERNET 1
#define MAGIC_COOKIE   0x63825363
#define SHORTEST_LEASE 10 /* seconds; whoever gives less keeps us asking all the time */

enum {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_LEASE = 51,
	OPT_KIND = 53,
	OPT_SERVER = 54,
	OPT_END = 255,
};

struct options {
	const uint8_t *mask, *router, *lease, *kind, *server;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Finds those that matter; NULL, or what is wrong. */
static const char *parse(const uint8_t *p, const uint8_t *end, struct options *o)
{
	const struct {
		uint8_t code, len;
		const uint8_t **where;
	} known[] = {
		{ OPT_MASK, 4, &o->mask },     { OPT_ROUTER, 4, &o->router },
		{ OPT_LEASE, 4, &o->lease },   { OPT_KIND, 1, &o->kind },
		{ OPT_SERVER, 4, &o->server },
	};

	while (p < end && *p != OPT_END) {
		unsigned code = *p++, len;

		if (code == OPT_PAD)
			continue;
		if (p >= end || p + 1 + *p > end)
			return "an option goes over its end";
		len = *p++;
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (known[i].code != code)
				continue;
			/* Routers are a list. */
			if (code == OPT_ROUTER ? len < 4 || len % 4 : len != known[i].len)
				return "an option has a wrong length";
			*known[i].where = p;
		}
		p += len;
	}
	return NULL;
}

static int usable(uint32_t ip)
{
	return ip >> 24 && ip >> 24 != 127 && ip >> 24 < 224;
}

static const char *check_address(uint32_t ip, const struct options *o, struct dhcp_answer *answer)
{
	uint32_t mask = o->mask ? be32(o->mask) : 0, host = ~mask;

	if (!usable(ip))
		return "the address is none that a machine can have";
	if (o->mask && (!mask || host & (host + 1)))
		return "the network mask is none";
	if (o->mask && host > 1 && (!(ip & host) || (ip & host) == host))
		return "the address is the network's own, or its broadcast";
	if (o->lease && answer->lease_s < SHORTEST_LEASE)
		return "the lease is absurdly short";
	return NULL;
}

const char *dhcp_check(const uint8_t *msg, size_t len, uint32_t xid, const uint8_t *mac,
		       struct dhcp_answer *answer)
{
	struct options o = { 0 };
	const char *wrong;

	*answer = (struct dhcp_answer){ 0 };
	if (len < OPTIONS + 3 || be32(msg + COOKIE) != MAGIC_COOKIE)
		return "it is too short, or not DHCP";
	if (msg[OP] != BOOTREPLY || msg[HTYPE] != HTYPE_ETHERNET || msg[HLEN] != 6)
		return "it is no answer";
	if (memcmp(msg + CHADDR, mac, 6))
		return "it is for another card";
	if (be32(msg + XID) != xid)
		return "we have not asked for it (transaction number)";
	wrong = parse(msg + OPTIONS, msg + len, &o);
	if (wrong)
		return wrong;
	if (!o.kind)
		return "it does not say what it is";
	answer->kind = *o.kind;
	answer->lease_s = o.lease ? be32(o.lease) : 0;
	if (answer->kind != DHCP_KIND_OFFER && answer->kind != DHCP_KIND_ACK)
		return NULL;
	if (!o.server || !usable(be32(o.server)))
		return "it names no server";
	if (answer->kind == DHCP_KIND_ACK && !o.lease)
		return "it gives no lease";
	return check_address(be32(msg + YIADDR), &o, answer);
}
