/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of the node table. A boot of a node is known by its random id, its machine by its MAC and
 * name. A machine keeps its number when it comes back; one whose name ends in a number (node3) gets
 * that number if nobody has it, so that numbers do not depend on who was heard first.
 */
#include "userland/musterd/table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_NUMBER_MAX 9999u

static bool same_mac(const struct announce *a, const struct announce *b)
{
	static const uint8_t none[6];

	return !memcmp(a->mac, b->mac, 6) && memcmp(a->mac, none, 6);
}

static bool same_place(const struct table_node *n, const char *addr, uint16_t port)
{
	return n->port == port && !strcmp(n->addr, addr);
}

static struct table_node *by_id(struct table *t, const struct announce *a)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->nodes[i].alive && !memcmp(t->nodes[i].last.id, a->id, sizeof(a->id)))
			return &t->nodes[i];
	return NULL;
}

/*
 * The entry that a boot not heard before takes over. Whoever sits at the same address and port is
 * the one before this boot. A MAC alone is not enough while its other owner still speaks: emulators
 * give the same one to all their guests.
 */
static struct table_node *by_machine(struct table *t, const struct announce *a, const char *addr,
				     uint64_t now_ms)
{
	struct table_node *best = NULL;
	int best_score = 0;

	for (unsigned i = 0; i < t->count; i++) {
		struct table_node *n = &t->nodes[i];
		bool silent = !n->alive || now_ms - n->heard_ms > 2 * ANNOUNCE_INTERVAL_MS;
		bool place = same_place(n, addr, a->port), mac = same_mac(&n->last, a);
		bool name = !strcmp(n->last.name, a->name);
		int score;

		if (!place && !silent)
			continue;
		score = mac * 4 + name * 2 + place;
		if ((mac || (name && place) || (place && n->alive)) && score > best_score) {
			best = n;
			best_score = score;
		}
	}
	return best;
}

static bool number_taken(const struct table *t, unsigned number)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->nodes[i].number == number)
			return true;
	return false;
}

static unsigned pick_number(const struct table *t, const char *name)
{
	size_t end = strlen(name), start = end;
	unsigned long wish;
	unsigned number = 1;

	while (start && isdigit((unsigned char)name[start - 1]))
		start--;
	wish = start < end ? strtoul(name + start, NULL, 10) : 0;
	if (start && wish >= 1 && wish <= NAME_NUMBER_MAX && !number_taken(t, wish))
		return wish;
	while (number_taken(t, number))
		number++;
	return number;
}

static struct table_node *add(struct table *t, unsigned number)
{
	unsigned at;

	if (t->count == t->size) {
		unsigned size = t->size ? 2 * t->size : 16;
		struct table_node *nodes = reallocarray(t->nodes, size, sizeof(*nodes));

		if (!nodes)
			return NULL;
		t->nodes = nodes;
		t->size = size;
	}
	for (at = t->count; at && t->nodes[at - 1].number > number; at--)
		;
	memmove(&t->nodes[at + 1], &t->nodes[at], (t->count - at) * sizeof(*t->nodes));
	t->count++;
	memset(&t->nodes[at], 0, sizeof(*t->nodes));
	t->nodes[at].number = number;
	return &t->nodes[at];
}

enum table_event table_hear(struct table *t, const struct announce *a, uint32_t sender,
			    uint64_t now_ms, const struct table_node **node)
{
	char addr[INET_ADDRSTRLEN];
	struct table_node *n = by_id(t, a);
	enum table_event event = TABLE_SAME;
	uint32_t ip;

	memcpy(&ip, a->ip, 4);
	if (!ip)
		ip = sender;
	inet_ntop(AF_INET, &ip, addr, sizeof(addr));
	*node = n;
	if (n && a->flags & ANNOUNCE_GOODBYE) {
		n->alive = false;
		return TABLE_BYE;
	}
	if (a->flags & ANNOUNCE_GOODBYE)
		return TABLE_OLD;
	/* Heard on two interfaces, or by multicast and unicast: the first way it came counts. */
	if (n && a->seq <= n->last.seq)
		return TABLE_OLD;
	if (!n) {
		n = by_machine(t, a, addr, now_ms);
		event = TABLE_BACK;
	}
	if (!n) {
		n = add(t, pick_number(t, a->name));
		event = TABLE_NEW;
	}
	*node = n;
	if (!n)
		return TABLE_FULL;
	if (event == TABLE_SAME &&
	    (!same_place(n, addr, a->port) || strcmp(n->last.name, a->name) ||
	     memcmp(n->last.mac, a->mac, sizeof(a->mac))))
		event = TABLE_CHANGED;
	n->alive = true;
	n->heard_ms = now_ms;
	n->port = a->port;
	n->last = *a;
	memcpy(n->addr, addr, sizeof(addr));
	return event;
}

void table_expire(struct table *t, uint64_t now_ms, void (*fn)(const struct table_node *node))
{
	for (unsigned i = 0; i < t->count; i++) {
		struct table_node *n = &t->nodes[i];

		if (!n->alive || now_ms - n->heard_ms <= ANNOUNCE_EXPIRY_MS)
			continue;
		n->alive = false;
		if (fn)
			fn(n);
	}
}

int table_recall(struct table *t, const struct table_node *node)
{
	struct table_node *n;

	if (number_taken(t, node->number))
		return -EEXIST;
	n = add(t, node->number);
	if (!n)
		return -ENOMEM;
	*n = *node;
	n->alive = false;
	n->heard_ms = 0;
	return 0;
}

int64_t table_seen(const struct table_node *n, uint64_t now_ms, int64_t now_s)
{
	return n->heard_ms ? now_s - (int64_t)((now_ms - n->heard_ms) / 1000) : n->seen_s;
}

void table_free(struct table *t)
{
	free(t->nodes);
	memset(t, 0, sizeof(*t));
}
