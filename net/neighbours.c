/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other nodes on the network, as far as they are heard: for people who look at this one. */
#include <stdio.h>
#include <string.h>

#include "net/announce.h"
#include "net/internal.h"
#include "proto/announce.h"

#define NEIGHBOURS 64

static struct neighbour {
	uint64_t heard_ms; /* 0: free */
	struct announce said;
	ip4_addr_t from;
} table[NEIGHBOURS];

static bool is_gone(const struct neighbour *n, uint64_t now)
{
	return !n->heard_ms || now - n->heard_ms > ANNOUNCE_EXPIRY_MS;
}

/* The place of that node, or of one that is gone; NULL: the table is full of others. */
static struct neighbour *place_for(const uint8_t *id, uint64_t now)
{
	struct neighbour *free = NULL;

	for (struct neighbour *n = table; n < table + NEIGHBOURS; n++) {
		if (is_gone(n, now))
			free = free ? free : n;
		else if (!memcmp(n->said.id, id, sizeof(n->said.id)))
			return n;
	}
	return free;
}

void neighbours_hear(const void *bytes, unsigned len, const ip4_addr_t *from)
{
	uint64_t now = net_ms_since_entry();
	struct neighbour *n;
	struct announce a;

	if (announce_check(bytes, len))
		return;
	memcpy(&a, bytes, sizeof(a));
	n = memcmp(a.id, announce_id(), sizeof(a.id)) ? place_for(a.id, now) : NULL;
	if (!n)
		return;
	n->heard_ms = a.flags & ANNOUNCE_GOODBYE ? 0 : now;
	n->said = a;
	ip4_addr_copy(n->from, *from);
}

static void describe(const struct neighbour *n, struct net_neighbour *out)
{
	const struct announce *a = &n->said;
	ip4_addr_t ip;
	int len;

	memcpy(&ip.addr, a->ip, sizeof(ip.addr));
	if (ip4_addr_isany_val(ip))
		ip = n->from;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "%s", a->name);
	len = snprintf(out->address, sizeof(out->address), "%s", ip4addr_ntoa(&ip));
	if (a->port != MUSTER_PORT)
		snprintf(out->address + len, sizeof(out->address) - len, ":%u", a->port);
	out->closed = a->flags & ANNOUNCE_CLOSED;
	out->cpus = a->ncpu;
	out->mhz = a->mhz;
	out->speed = a->speed;
	out->load = a->load;
	out->guests = a->guests;
	out->mem_total = a->mem_total;
	out->mem_free = a->mem_free;
	out->age_ms = net_ms_since_entry() - n->heard_ms;
}

struct list {
	struct net_neighbour *neighbours;
	unsigned max, count;
};

/* Into its place by name; the last is dropped where there is no room. */
static void insert(struct list *list, const struct neighbour *n)
{
	unsigned at = 0;

	while (at < list->count && strcmp(list->neighbours[at].name, n->said.name) <= 0)
		at++;
	if (at == list->max)
		return;
	if (list->count < list->max)
		list->count++;
	memmove(list->neighbours + at + 1, list->neighbours + at,
		(list->count - at - 1) * sizeof(*list->neighbours));
	describe(n, &list->neighbours[at]);
}

static void collect(void *arg)
{
	uint64_t now = net_ms_since_entry();

	for (const struct neighbour *n = table; n < table + NEIGHBOURS; n++)
		if (!is_gone(n, now))
			insert(arg, n);
}

unsigned net_get_neighbours(struct net_neighbour *neighbours, unsigned max)
{
	struct list list = { .neighbours = neighbours, .max = max };

	net_call(collect, &list);
	return list.count;
}
