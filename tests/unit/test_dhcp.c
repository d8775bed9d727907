/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources: userland/netboot/dhcp.c */
/* What network boot reads of DHCP messages, good and bad. */
#include <arpa/inet.h>

#include "tests/unit/unit.h"
#include "userland/netboot/dhcp.h"

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x77, 0, 1 };
static uint8_t buf[DHCP_DISCOVER_MAX];

/* A reply with these options; returns its length. */
static size_t reply(const uint8_t *options, size_t len)
{
	CHECK_EQ(dhcp_discover(buf, mac, 0x12345678), sizeof(buf));
	buf[0] = 2;
	memset(buf + 240, 0, sizeof(buf) - 240);
	memcpy(buf + 240, options, len);
	return 240 + len;
}

TEST(our_own_question)
{
	struct dhcp d;

	CHECK(dhcp_parse(buf, dhcp_discover(buf, mac, 0x12345678), &d));
	CHECK(!d.reply && !d.pxe && !d.ipxe);
	CHECK_EQ(d.type, DHCP_DISCOVER);
	CHECK_EQ(d.xid, 0x12345678);
	CHECK(!memcmp(d.mac, mac, 6));
	CHECK_EQ(d.arch, -1);
}

TEST(a_pxe_client)
{
	static const uint8_t options[] = { 53,	1,   3,	  60,  32,  'P', 'X', 'E', 'C', 'l',
					   'i', 'e', 'n', 't', ':', 'A', 'r', 'c', 'h', ':',
					   '0', '0', '0', '0', '7', ':', 'U', 'N', 'D', 'I',
					   ':', '0', '0', '3', '0', '0', '1', 93,  2,	0,
					   7,	175, 3,	  177, 1,   0,	 255 };
	struct dhcp d;

	CHECK(dhcp_parse(buf, reply(options, sizeof(options)), &d));
	CHECK(d.pxe && d.ipxe);
	CHECK_EQ(d.arch, 7);
	CHECK_STR(dhcp_arch_file(d.arch), "muster.efi");
	CHECK_STR(dhcp_arch_file(0), "muster.0");
	CHECK(!dhcp_arch_file(6) && !dhcp_arch_file(11) && !dhcp_arch_file(12345));
}

TEST(a_file_in_its_field_in_an_option_and_in_an_overloaded_field)
{
	static const uint8_t plain[] = { 53, 1, 5, 255 };
	static const uint8_t option[] = { 53, 1, 5, 67, 3, 'a', '\n', 'c', 255 };
	static const uint8_t overload[] = { 53, 1, 5, 52, 1, 3, 255 };
	struct dhcp d;
	size_t n = reply(plain, sizeof(plain));

	memcpy(buf + 108, "muster.0", 8);
	CHECK(dhcp_parse(buf, n, &d));
	CHECK_STR(d.file, "muster.0");
	/* A field without an end. */
	memset(buf + 108, 'x', 128);
	CHECK(dhcp_parse(buf, n, &d));
	CHECK_EQ(strlen(d.file), 128);
	CHECK(dhcp_parse(buf, reply(option, sizeof(option)), &d));
	CHECK_STR(d.file, "a?c");
	n = reply(overload, sizeof(overload));
	memcpy(buf + 108, "\x43\x02pq\xff", 5);
	memcpy(buf + 44, "\x36\x04\x0a\x4d\x00\x02", 6);
	CHECK(dhcp_parse(buf, n, &d));
	CHECK_STR(d.file, "pq");
	CHECK_EQ(ntohl(d.server.s_addr), 0x0a4d0002);
}

TEST(damage)
{
	/* Each option is cut short, or has the wrong length. */
	static const uint8_t cut[][8] = { { 53 },
					  { 53, 1 },
					  { 53, 9, 1 },
					  { 54, 255, 1, 2, 3 },
					  { 60, 200, 'P' },
					  { 53, 0, 255 },
					  { 54, 3, 1, 2, 3, 255 },
					  { 93, 1, 7, 255 },
					  { 52, 0, 255 } };
	static const unsigned lens[] = { 1, 2, 3, 5, 3, 3, 6, 4, 3 };
	struct dhcp d;
	uint32_t x = 1;

	for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		CHECK(dhcp_parse(buf, reply(cut[i], lens[i]), &d));
		CHECK_EQ(d.type, DHCP_BOOTP);
		CHECK_EQ(d.server.s_addr, 0);
		CHECK(!d.pxe && d.arch == -1);
	}
	dhcp_discover(buf, mac, 1);
	for (size_t len = 0; len < 240; len++)
		CHECK(!dhcp_parse(buf, len, &d));
	buf[1] = 6;
	CHECK(!dhcp_parse(buf, sizeof(buf), &d));
	/* The address sanitizer looks on. */
	for (unsigned i = 0; i < 200000; i++) {
		size_t len = 240 + i % 61;
		uint8_t *copy = malloc(len);

		CHECK(copy);
		dhcp_discover(buf, mac, 1);
		for (unsigned k = 0; k < 60; k++) {
			x = x * 1664525 + 1013904223;
			buf[240 + k] = x >> 24;
		}
		memcpy(copy, buf, len);
		dhcp_parse(copy, len, &d);
		free(copy);
	}
}
