/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machines that came to start over the network: each step of each, told once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/announce.h"
#include "userland/netboot/dhcp.h"
#include "userland/netboot/netboot.h"

#define CLIENTS_MAX  1024  /* a lab has fewer; who floods us with MACs replaces the oldest */
#define ASK_AGAIN_MS 20000 /* after such silence it is a new start */
/* dnsmasq answers at once, or after 3 s of looking whether an address is free. */
#define ANSWER_MS 5000
#define FILE_MS	  30000

struct client {
	uint8_t mac[6];
	bool known;  /* came by PXE, not just as a node */
	bool served; /* its kind has a file */
	bool ipxe, answered, warned;
	bool loads; /* has asked for a file in this start */
	struct in_addr addr;
	char given[160];	   /* what it was told last */
	char file[40];		   /* what it has loaded last */
	int64_t first_ms, last_ms; /* of this start: asked */
	int64_t file_ms;	   /* asked for a file by TFTP; 0: has it */
	uint8_t node[16];	   /* the last announced identity */
};

static struct client clients[CLIENTS_MAX];
static unsigned count;
static struct in_addr warned_server;

static struct client *find(const uint8_t *mac)
{
	for (struct client *c = clients; c < clients + count; c++)
		if (!memcmp(c->mac, mac, 6))
			return c;
	return NULL;
}

static struct client *find_or_make(const uint8_t *mac)
{
	struct client *c = find(mac), *oldest = &clients[0];

	if (c)
		return c;
	for (c = clients; c < clients + count; c++)
		if (c->last_ms < oldest->last_ms)
			oldest = c;
	if (count < CLIENTS_MAX)
		oldest = &clients[count++];
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->mac, mac, 6);
	return oldest;
}

static struct client *find_addr(struct in_addr addr)
{
	for (struct client *c = clients; c < clients + count; c++)
		if (c->known && c->addr.s_addr == addr.s_addr)
			return c;
	return NULL;
}

/* Why an answer of ours may be missing. */
static const char firewall[] =
	"does a firewall on this machine drop it? It must let UDP 67, 69 and 4011 in on";

static void asks(const struct netboot *nb, const struct dhcp *d)
{
	struct client *c = find_or_make(d->mac);
	int64_t now = now_ms();
	char words[NETBOOT_WORDS_MAX], file[PATH_MAX];
	const char *settings;

	/* It asks several times for each start, but not from the beginning once it loads. */
	if (c->known && c->ipxe == d->ipxe && now - c->last_ms < ASK_AGAIN_MS &&
	    !(d->type == DHCP_DISCOVER && c->loads)) {
		c->last_ms = now;
		return;
	}
	c->known = true;
	c->ipxe = d->ipxe;
	c->served = dhcp_arch_file(d->arch);
	c->answered = c->warned = c->loads = false;
	c->given[0] = c->file[0] = 0;
	c->file_ms = 0;
	c->first_ms = c->last_ms = now;
	say(c->mac, "asks: %s, %s", dhcp_arch_name(d->arch), d->ipxe ? "iPXE" : "PXE");
	if (!c->served) {
		say(c->mac, "not served: a node needs a BIOS or a 64-bit UEFI, and PXE");
		return;
	}
	folder_settings(nb, c->mac, words, file);
	settings = *words ? words : "none";
	say(c->mac, "settings: %s%s%s%s", settings, *file ? " (" : "", file, *file ? ")" : "");
}

/* What we told it. */
static void answers(const struct dhcp *d)
{
	struct client *c = find(d->mac);
	char given[sizeof(c->given)];

	if (!c || !c->known)
		return;
	c->answered = true;
	if (d->type != DHCP_ACK && d->yiaddr.s_addr)
		return; /* an offer: it may choose another */
	if (d->type == DHCP_NAK)
		snprintf(given, sizeof(given),
			 "address refused: it asked for one that is not ours");
	else if (d->yiaddr.s_addr)
		snprintf(given, sizeof(given), "given: address %s%s%s", inet_ntoa(d->yiaddr),
			 d->file[0] ? ", file " : "", d->file);
	else if (d->file[0])
		snprintf(given, sizeof(given), "given: file %s", d->file);
	else
		return;
	if (d->yiaddr.s_addr)
		c->addr = d->yiaddr;
	if (!strcmp(given, c->given))
		return;
	memcpy(c->given, given, sizeof(c->given));
	say(c->mac, "%s", given);
}

static void other_server(const struct netboot *nb, const struct dhcp *d, struct in_addr from)
{
	struct client *c = find(d->mac);
	char server[INET_ADDRSTRLEN];

	if (!d->yiaddr.s_addr || (d->type != DHCP_ACK && d->type != DHCP_OFFER))
		return;
	inet_ntop(AF_INET, d->server.s_addr ? &d->server : &from, server, sizeof(server));
	if (nb->opts->serve && warned_server.s_addr != from.s_addr) {
		warned_server = from;
		say(NULL,
		    "the DHCP server %s answers here, too: machines may get an address of either",
		    server);
	}
	if (c && c->known && d->type == DHCP_ACK && c->addr.s_addr != d->yiaddr.s_addr) {
		c->addr = d->yiaddr;
		say(c->mac, "address %s, from %s", inet_ntoa(c->addr), server);
	}
}

void client_packet(const struct netboot *nb, const struct udp_packet *p)
{
	struct client *c;
	struct dhcp d;

	if (p->to_port == TFTP_PORT) {
		c = find(p->mac);
		if (!c || !c->known || p->ours || p->to.s_addr != nb->iface.addr.s_addr)
			return;
		c->addr = p->from;
		c->loads = true;
		c->last_ms = now_ms();
		if (!c->file_ms)
			c->file_ms = c->last_ms;
		return;
	}
	if (!dhcp_parse(p->data, p->len, &d))
		return;
	if (d.reply && p->ours)
		answers(&d);
	else if (d.reply)
		other_server(nb, &d, p->from);
	else if (d.pxe && !p->ours && (d.type == DHCP_DISCOVER || d.type == DHCP_REQUEST))
		asks(nb, &d);
}

void client_file(struct in_addr addr, const char *file, bool sent)
{
	struct client *c = find_addr(addr);
	size_t len = strlen(file);

	if (c)
		c->file_ms = 0;
	/* What is in these was told when it asked. */
	if (sent && len > 4 && !strcmp(file + len - 4, ".cfg"))
		return;
	/* A ROM may load a file once to learn its size, and then again. */
	if (sent && c && !strcmp(file, c->file))
		return;
	if (c)
		snprintf(c->file, sizeof(c->file), "%s", sent ? file : "");
	if (c)
		say(c->mac, "%s %s", sent ? "has loaded" : "has not got all of", file);
	else
		say(NULL, "%s %s %s", inet_ntoa(addr), sent ? "has loaded" : "has not got all of",
		    file);
}

void client_node(const void *bytes, size_t len, struct in_addr from)
{
	struct announce a;
	struct in_addr addr;
	struct client *c;
	char after[48] = "";

	if (announce_check(bytes, len))
		return;
	memcpy(&a, bytes, sizeof(a));
	c = find_or_make(a.mac);
	if (a.flags & ANNOUNCE_GOODBYE) {
		if (!memcmp(c->node, a.id, sizeof(a.id)))
			say(a.mac, "node %s says goodbye", a.name);
		memset(c->node, 0, sizeof(c->node));
		return;
	}
	if (!memcmp(c->node, a.id, sizeof(a.id)))
		return;
	memcpy(c->node, a.id, sizeof(a.id));
	memcpy(&addr, a.ip, sizeof(addr));
	if (!addr.s_addr)
		addr = from;
	if (c->known)
		snprintf(after, sizeof(after), ", %.1f s after it asked",
			 (now_ms() - c->first_ms) / 1000.0);
	say(a.mac, "is node %s at %s: %u CPU%s, %llu MB%s", a.name, inet_ntoa(addr), a.ncpu,
	    a.ncpu == 1 ? "" : "s", (unsigned long long)(a.mem_total >> 20), after);
	/* Its next question is a new start, however soon. */
	c->last_ms = 0;
	c->file_ms = 0;
	c->answered = true;
}

void clients_check(const struct netboot *nb)
{
	int64_t now = now_ms();

	for (struct client *c = clients; c < clients + count; c++) {
		if (!c->known || !c->served || c->warned)
			continue;
		if (!c->answered && now - c->first_ms > ANSWER_MS) {
			c->warned = true;
			say(c->mac, "its question reached this machine, but not dnsmasq: %s %s",
			    firewall, nb->iface.name);
		} else if (c->file_ms && now - c->file_ms > FILE_MS) {
			c->warned = true;
			say(c->mac, "has asked for a file %u s ago and not got it: %s %s",
			    (unsigned)(FILE_MS / 1000), firewall, nb->iface.name);
		}
	}
}
