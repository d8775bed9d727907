/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orders about the network. A new address or card ends all connections, and what homes have running
 * here with them: so guests are sent home before, and the answer is given before it happens. Each
 * change is a setting too, for `save`.
 */
#include <errno.h>
#include <string.h>

#include "kernel/guest/guest.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/orders_int.h"
#include "kernel/setting_forms.h"
#include "kernel/settings.h"
#include "net/net.h"

#define CARDS_MAX 8
#define NODES_MAX 64

/*
 * 0: all are gone and the node is closed until guest_leaving(false); or -errno, and nothing is
 * changed.
 */
static int make_way(struct order_out *out)
{
	int err;

	guest_leaving(true);
	err = order_send_home(out, "the node changes its network");
	if (!err)
		return 0;
	guest_leaving(false);
	order_print(out, "nothing was changed\n");
	return err;
}

int order_ip(char *args, struct order_out *out)
{
	char *address = order_word(&args), *gateway = order_word(&args);
	int err;

	if (!address || *args || !form_ip(address) || (gateway && !form_address(gateway)) ||
	    (gateway && !strcmp(address, "dhcp")))
		return -EINVAL;
	err = make_way(out);
	if (err)
		return err;
	order_print(out, "the address from now on: %s%s%s\n", address, gateway ? ", gateway " : "",
		    gateway ? gateway : "");
	order_end(out, 0);
	settings_change("ip", address);
	settings_change("gw", gateway);
	net_set_gateway(gateway);
	err = net_set_address(address);
	guest_leaving(false);
	return err;
}

static int list_cards(struct order_out *out, const struct net_card_status *cards, unsigned n)
{
	if (!n)
		order_print(out, "there is no network card that this node can drive\n");
	for (unsigned i = 0; i < n; i++) {
		const struct net_card_status *c = &cards[i];

		order_print(out, "%s  %-10s %-8s %02x:%02x:%02x:%02x:%02x:%02x  link %s%s%s%s\n", c->name,
			    c->driver, c->place, c->mac[0], c->mac[1], c->mac[2], c->mac[3], c->mac[4],
			    c->mac[5], c->link ? "up" : "down", c->in_use ? ", in use" : "",
			    *c->problem ? ", " : "", c->problem);
		order_print(out, "      received %lu frames, %lu MB: %lu wrong, %lu dropped, %lu overruns\n",
			    c->rx_frames, c->rx_bytes >> 20, c->rx_errors, c->rx_dropped,
			    c->rx_overruns);
		order_print(out, "      sent %lu frames, %lu MB: %lu for which the ring was full; %u resets\n",
			    c->tx_frames, c->tx_bytes >> 20, c->tx_full, c->resets);
	}
	return 0;
}

int order_card(char *args, struct order_out *out)
{
	struct net_card_status cards[CARDS_MAX];
	unsigned n = net_get_cards(cards, CARDS_MAX);
	bool automatic = !strcmp(args, "auto"), there = automatic;
	int err;

	if (!*args)
		return list_cards(out, cards, n);
	if (!automatic && !form_card(args))
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		there |= !strcmp(cards[i].name, args);
	if (!there) {
		order_print(out, "there is no %s here\n", args);
		list_cards(out, cards, n);
		return -ENODEV;
	}
	err = make_way(out);
	if (err)
		return err;
	order_print(out, "the network card from now on: %s\n",
		    automatic ? "the first that works" : args);
	order_end(out, 0);
	settings_change("card", automatic ? NULL : args);
	err = net_choose_card(automatic ? NULL : args);
	guest_leaving(false);
	return err;
}

int order_name(char *args, struct order_out *out)
{
	int err = settings_change("name", args);

	if (!err)
		err = net_set_name(args);
	if (!err)
		order_print(out, "the node's name is %s\n", args);
	return err;
}

int order_nodes(char *args, struct order_out *out)
{
	struct net_neighbour *nodes;
	unsigned n;

	if (*args)
		return -EINVAL;
	nodes = kmalloc(NODES_MAX * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	n = net_get_neighbours(nodes, NODES_MAX);
	for (unsigned i = 0; i < n; i++)
		order_print(out, "%-16s %-20s %3u x %4u MHz, load %u.%02u, %u guests%s\n",
			    nodes[i].name, nodes[i].address, nodes[i].cpus, nodes[i].mhz,
			    nodes[i].load / 100, nodes[i].load % 100, nodes[i].guests,
			    nodes[i].closed ? ", takes no new ones" : "");
	if (!n)
		order_print(out, "no other node is heard\n");
	if (n == NODES_MAX)
		order_print(out, "and perhaps more\n");
	kfree(nodes);
	return 0;
}
