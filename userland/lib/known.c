/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks musterd for the nodes it remembers. */
#include "userland/lib/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/lib/control.h"
#include "userland/lib/grow.h"
#include "userland/lib/nodes.h"

struct answer {
	struct known_node *nodes;
	int count, size;
	const char *bad;
};

char *mac_text(const uint8_t mac[6], char buf[MAC_TEXT_MAX])
{
	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return buf;
}

bool mac_parse(const char *text, uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";

	for (int i = 0; i < 6; i++) {
		unsigned value = 0, n = 0;
		const char *d;

		for (; *text && (d = strchr(digits, *text)) && n < 2; n++, text++)
			value = value * 16 + (unsigned)(d - digits) % 16;
		if (!n || (i < 5 ? *text != ':' && *text != '-' : *text != 0))
			return false;
		text += i < 5;
		mac[i] = (uint8_t)value;
	}
	return true;
}

bool mac_is_none(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return !memcmp(mac, none, 6);
}

static void known_line(char *line, void *arg)
{
	struct answer *a = arg;
	char mac[MAC_TEXT_MAX];
	struct known_node *n;

	if (!control_is(line, "known"))
		return;
	n = grow(a->nodes, &a->size, a->count, sizeof(*n));
	if (!n) {
		a->bad = "out of memory";
		return;
	}
	a->nodes = n;
	n = &a->nodes[a->count];
	memset(n, 0, sizeof(*n));
	n->number = control_field_num(line, "number", 0);
	n->port = control_field_num(line, "port", 0);
	n->seen = control_field_num(line, "seen", 0);
	n->alive = control_field_num(line, "alive", 0);
	if (!n->number || !control_field(line, "name", n->name, sizeof(n->name)) ||
	    !control_field(line, "addr", n->addr, sizeof(n->addr)) ||
	    !control_field(line, "mac", mac, sizeof(mac)) || !mac_parse(mac, n->mac))
		a->bad = "musterd of another version answered: restart it";
	else
		a->count++;
}

int known_query(struct known_node **nodes, char *err)
{
	struct answer a = { 0 };
	int rc = nodes_ask("known", known_line, &a, err);

	*nodes = NULL;
	if (!rc && a.bad) {
		snprintf(err, CONTROL_ERR_MAX, "%s", a.bad);
		rc = -EPROTO;
	}
	if (rc) {
		free(a.nodes);
		return rc;
	}
	*nodes = a.nodes;
	return a.count;
}
