/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interface's addresses, and those that may be handed out behind it. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userland/netboot/netboot.h"

static void list_interfaces(const struct ifaddrs *all)
{
	fprintf(stderr, "netboot: there are:");
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET &&
		    !(i->ifa_flags & IFF_LOOPBACK))
			fprintf(stderr, " %s", i->ifa_name);
	fprintf(stderr, "\n");
}

/* A card that is part of a bridge or bond has no address: its master has. */
static void explain_no_address(const char *name)
{
	char path[64], master[PATH_MAX], *base = NULL;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/net/%s/master", name);
	n = readlink(path, master, sizeof(master) - 1);
	if (n > 0) {
		master[n] = 0;
		base = strrchr(master, '/');
	}
	if (base)
		fprintf(stderr, "netboot: %s is part of %s: use that\n", name, base + 1);
	else
		fprintf(stderr,
			"netboot: %s has no IPv4 address: give it one, as with "
			"`ip address add 10.77.0.1/24 dev %s`\n",
			name, name);
}

/* Without a range: the half of the network in which we are not. */
static int choose_range(struct netboot_iface *f, const char *range)
{
	uint32_t mask = ntohl(f->mask.s_addr), own = ntohl(f->addr.s_addr), net = own & mask;
	uint32_t last = net | ~mask, half = net + (~mask >> 1), from, to;
	char text[64], *comma;
	struct in_addr a, b;

	if (last - net < 3) {
		fprintf(stderr, "netboot: %s: its network has no room for other machines\n",
			f->name);
		return -EINVAL;
	}
	from = own > half ? net + 1 : half + 1;
	to = own > half ? half : last - 1;
	if (range) {
		snprintf(text, sizeof(text), "%s", range);
		comma = strchr(text, ',');
		if (comma)
			*comma++ = 0;
		if (!comma || strlen(range) >= sizeof(text) || !inet_aton(text, &a) ||
		    !inet_aton(comma, &b)) {
			fprintf(stderr, "netboot: --serve=%s is not FROM,TO: two addresses\n",
				range);
			return -EINVAL;
		}
		from = ntohl(a.s_addr);
		to = ntohl(b.s_addr);
	}
	f->from.s_addr = htonl(from);
	f->to.s_addr = htonl(to);
	if (from <= net || to >= last || from > to) {
		a.s_addr = htonl(net + 1);
		b.s_addr = htonl(last - 1);
		snprintf(text, sizeof(text), "%s", inet_ntoa(a));
		fprintf(stderr, "netboot: --serve=%s: %s has the addresses %s to %s\n", range,
			f->name, text, inet_ntoa(b));
		return -EINVAL;
	}
	return 0;
}

int iface_find(struct netboot *nb)
{
	struct netboot_iface *f = &nb->iface;
	struct ifaddrs *all, *i;
	unsigned flags = 0;
	bool found = false;
	int rc = 0;

	if (getifaddrs(&all)) {
		rc = -errno;
		fprintf(stderr, "netboot: list of interfaces: %s\n", strerror(errno));
		return rc;
	}
	snprintf(f->name, sizeof(f->name), "%s", nb->opts->iface);
	for (i = all; i; i = i->ifa_next) {
		if (!i->ifa_addr || strcmp(i->ifa_name, nb->opts->iface))
			continue;
		if (i->ifa_addr->sa_family == AF_PACKET) {
			const struct sockaddr_ll *ll = (const struct sockaddr_ll *)i->ifa_addr;

			found = ll->sll_halen == sizeof(f->mac);
			memcpy(f->mac, ll->sll_addr, sizeof(f->mac));
			f->index = ll->sll_ifindex;
			flags = i->ifa_flags;
		} else if (i->ifa_addr->sa_family == AF_INET && !f->addr.s_addr && i->ifa_netmask) {
			f->addr = ((struct sockaddr_in *)i->ifa_addr)->sin_addr;
			f->mask = ((struct sockaddr_in *)i->ifa_netmask)->sin_addr;
		}
	}
	f->link = flags & IFF_RUNNING;
	if (!f->index) {
		fprintf(stderr, "netboot: there is no interface %s\n", nb->opts->iface);
		list_interfaces(all);
		rc = -ENODEV;
	} else if (!found || flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) {
		fprintf(stderr, "netboot: %s is no Ethernet: machines cannot start over it\n",
			f->name);
		rc = -EINVAL;
	} else if (!(flags & IFF_UP)) {
		fprintf(stderr, "netboot: %s is down: `ip link set %s up`\n", f->name, f->name);
		rc = -ENETDOWN;
	} else if (!f->addr.s_addr) {
		explain_no_address(f->name);
		rc = -EADDRNOTAVAIL;
	}
	freeifaddrs(all);
	return rc ? rc : choose_range(f, nb->opts->range);
}
