/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources: net/dhcpcheck.c */
/* DHCP answers that are right, and each way in which they can be wrong. */
#include "net/dhcpcheck.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static const uint32_t xid = 0x12345678;

/* An offer or ACK of 10.0.0.7/24 for an hour. */
static size_t good(uint8_t *m, uint8_t kind)
{
	static const uint8_t options[] = {
		0x63, 0x82, 0x53, 0x63, 53, 1, 2, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16, 1,
		4,    255,  255,  255,	0,  0, 0, 3,  8, 10, 0, 0, 1, 10, 0, 0, 2, 12, 0,  255,
	};

	memset(m, 0, 236);
	m[0] = 2, m[1] = 1, m[2] = 6;
	memcpy(m + 4, "\x12\x34\x56\x78", 4);
	memcpy(m + 16, "\x0a\x00\x00\x07", 4);
	memcpy(m + 28, mac, 6);
	memcpy(m + 236, options, sizeof(options));
	m[242] = kind;
	return 236 + sizeof(options);
}

static const char *check(const uint8_t *m, size_t len)
{
	/* Exactly as long: the sanitizer sees each byte too far. */
	uint8_t *copy = malloc(len ? len : 1);
	struct dhcp_answer answer;
	const char *wrong;

	memcpy(copy, m, len);
	wrong = dhcp_check(copy, len, xid, mac, &answer);
	free(copy);
	return wrong;
}

static void right_ones_are_taken(void)
{
	struct dhcp_answer answer;
	uint8_t m[400];

	for (unsigned kind = 2; kind <= 6; kind++) {
		size_t len = good(m, kind);

		assert(!dhcp_check(m, len, xid, mac, &answer));
		assert(answer.kind == kind && answer.lease_s == 3600);
	}
}

static void each_byte_counts(void)
{
	static const struct {
		unsigned at;
		uint8_t is;
	} wrong[] = {
		{ 0, 1 },    { 1, 6 },	  { 2, 8 },    { 4, 0 },     { 28, 0x50 }, { 16, 0 },
		{ 16, 127 }, { 16, 224 }, { 16, 255 }, { 19, 0 },    { 19, 255 },  { 236, 0 },
		{ 241, 2 },  { 244, 5 },  { 245, 0 },  { 245, 224 }, { 250, 8 },   { 256, 3 },
		{ 257, 0 },  { 258, 1 },  { 264, 7 },  { 240, 99 },
	};
	uint8_t m[400];

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t len = good(m, 5);

		m[wrong[i].at] = wrong[i].is;
		if (!check(m, len)) {
			printf("byte %u as %u is taken\n", wrong[i].at, wrong[i].is);
			exit(1);
		}
	}
}

static void short_leases_are_absurd(void)
{
	uint8_t m[400];
	size_t len = good(m, 5);

	m[251] = m[252] = m[253] = 0;
	m[254] = 9;
	assert(check(m, len));
	m[254] = 10;
	assert(!check(m, len));
}

static void every_length_and_any_bytes(void)
{
	uint8_t m[400];
	size_t len = good(m, 2);

	for (size_t n = 0; n < 243; n++)
		assert(check(m, n));
	for (size_t n = 243; n <= len; n++)
		check(m, n);
	for (unsigned i = 0; i < 200000; i++) {
		len = good(m, 2);
		for (unsigned k = rand() % 6; k; k--)
			m[240 + rand() % (len - 240)] = rand();
		check(m, 240 + rand() % (len - 239));
	}
}

int main(void)
{
	right_ones_are_taken();
	each_byte_counts();
	short_leases_are_absurd();
	every_length_and_any_bytes();
	return 0;
}
