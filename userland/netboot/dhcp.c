/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "userland/netboot/dhcp.h"

#include <arpa/inet.h>
#include <string.h>

#include "userland/netboot/netboot.h"

/* Offsets of the fixed part, RFC 2131 figure 1. */
enum {
	AT_OP = 0,
	AT_HTYPE = 1,
	AT_HLEN = 2,
	AT_XID = 4,
	AT_FLAGS = 10,
	AT_YIADDR = 16,
	AT_SIADDR = 20,
	AT_CHADDR = 28,
	AT_SNAME = 44,
	AT_FILE = 108,
	AT_COOKIE = 236,
	AT_OPTIONS = 240,
};

enum {
	OPT_PAD = 0,
	OPT_PARAMETERS = 55,
	OPT_OVERLOAD = 52,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_CLASS = 60,
	OPT_BOOT_FILE = 67,
	OPT_ARCH = 93,
	OPT_IPXE = 175,
	OPT_END = 255,
};

#define BOOT_REQUEST   1
#define BOOT_REPLY     2
#define ETHERNET       1
#define FLAG_BROADCAST 0x80

static const uint8_t cookie[4] = { 99, 130, 83, 99 };

static void option(struct dhcp *d, uint8_t code, const uint8_t *v, size_t len, uint8_t *overload)
{
	switch (code) {
	case OPT_OVERLOAD:
		if (len == 1)
			*overload = v[0];
		break;
	case OPT_TYPE:
		if (len == 1 && v[0] <= DHCP_NAK)
			d->type = v[0];
		break;
	case OPT_SERVER:
		if (len == 4)
			memcpy(&d->server, v, 4);
		break;
	case OPT_CLASS:
		d->pxe = len >= 9 && !memcmp(v, "PXEClient", 9);
		break;
	case OPT_BOOT_FILE:
		if (len < sizeof(d->file)) {
			memcpy(d->file, v, len);
			d->file[len] = 0;
		}
		break;
	case OPT_ARCH:
		if (len >= 2)
			d->arch = v[0] << 8 | v[1];
		break;
	case OPT_IPXE:
		d->ipxe = true;
		break;
	}
}

static void options(struct dhcp *d, const uint8_t *p, size_t len, uint8_t *overload)
{
	size_t i = 0;

	while (i < len && p[i] != OPT_END) {
		if (p[i] == OPT_PAD) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] > len - i - 2)
			return;
		option(d, p[i], p + i + 2, p[i + 1], overload);
		i += 2 + p[i + 1];
	}
}

bool dhcp_parse(const uint8_t *data, size_t len, struct dhcp *d)
{
	uint8_t overload = 0, ignored;

	memset(d, 0, sizeof(*d));
	d->arch = -1;
	if (len < AT_OPTIONS || memcmp(data + AT_COOKIE, cookie, sizeof(cookie)) ||
	    (data[AT_OP] != BOOT_REQUEST && data[AT_OP] != BOOT_REPLY) ||
	    data[AT_HTYPE] != ETHERNET || data[AT_HLEN] != sizeof(d->mac))
		return false;
	d->reply = data[AT_OP] == BOOT_REPLY;
	memcpy(&d->xid, data + AT_XID, sizeof(d->xid));
	memcpy(d->mac, data + AT_CHADDR, sizeof(d->mac));
	memcpy(&d->yiaddr, data + AT_YIADDR, sizeof(d->yiaddr));
	memcpy(&d->siaddr, data + AT_SIADDR, sizeof(d->siaddr));
	options(d, data + AT_OPTIONS, len - AT_OPTIONS, &overload);
	/* RFC 2132 9.3: the fields of names may hold more options instead. */
	if (overload & 1)
		options(d, data + AT_FILE, AT_COOKIE - AT_FILE, &ignored);
	else if (!d->file[0])
		memcpy(d->file, data + AT_FILE, AT_COOKIE - AT_FILE);
	if (overload & 2)
		options(d, data + AT_SNAME, AT_FILE - AT_SNAME, &ignored);
	/* It is printed. */
	for (char *c = d->file; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return true;
}

size_t dhcp_discover(uint8_t buf[DHCP_DISCOVER_MAX], const uint8_t mac[6], uint32_t xid)
{
	static const uint8_t opts[] = {
		OPT_TYPE, 1, DHCP_DISCOVER, OPT_PARAMETERS, 2, 1, 3, OPT_END
	};

	/* Some servers and relays drop what is shorter than BOOTP's 300 bytes. */
	memset(buf, 0, DHCP_DISCOVER_MAX);
	buf[AT_OP] = BOOT_REQUEST;
	buf[AT_HTYPE] = ETHERNET;
	buf[AT_HLEN] = 6;
	buf[AT_FLAGS] = FLAG_BROADCAST;
	memcpy(buf + AT_XID, &xid, sizeof(xid));
	memcpy(buf + AT_CHADDR, mac, 6);
	memcpy(buf + AT_COOKIE, cookie, sizeof(cookie));
	memcpy(buf + AT_OPTIONS, opts, sizeof(opts));
	return DHCP_DISCOVER_MAX;
}

/*
 * RFC 4578 2.1, whose 7 and 9 changed places in its errata: PCs say 7. A BIOS that is older than
 * the option says nothing.
 */
static const struct {
	int arch;
	const char *name, *file;
} archs[] = {
	{ -1, "BIOS", NETBOOT_BIOS_FILE },
	{ 0, "BIOS", NETBOOT_BIOS_FILE },
	{ 6, "32-bit UEFI", NULL },
	{ 7, "UEFI x86-64", NETBOOT_EFI_FILE },
	{ 9, "UEFI x86-64", NETBOOT_EFI_FILE },
	{ 11, "UEFI ARM64", NULL },
	{ 16, "UEFI HTTP", NULL },
};

#define ARCHS (sizeof(archs) / sizeof(archs[0]))

const char *dhcp_arch_name(int arch)
{
	for (unsigned i = 0; i < ARCHS; i++)
		if (archs[i].arch == arch)
			return archs[i].name;
	return "a machine of unknown kind";
}

const char *dhcp_arch_file(int arch)
{
	for (unsigned i = 0; i < ARCHS; i++)
		if (archs[i].arch == arch)
			return archs[i].file;
	return NULL;
}
