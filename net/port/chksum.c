/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum (RFC 1071), 32 bytes a step: a one's complement sum may be taken over
 * words of any width and folded afterwards, and carries may be counted together (RFC 1071, 2).
 * Portable: tests/unit compares it with the obvious loop.
 */
#include <stdint.h>
#include <string.h>

uint16_t net_chksum(const void *data, int len);

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint16_t net_chksum(const void *data, int len)
{
	const uint8_t *p = data;
	uint64_t low = 0, high = 0, sum;

	/*
	 * Halves of each word go to sums of their own, which cannot overflow: carries need no
	 * care, and there are few dependencies.
	 */
	for (; len >= 32; len -= 32, p += 32) {
		uint64_t a = load64(p), b = load64(p + 8), c = load64(p + 16), d = load64(p + 24);

		low += (uint32_t)a;
		high += a >> 32;
		low += (uint32_t)b;
		high += b >> 32;
		low += (uint32_t)c;
		high += c >> 32;
		low += (uint32_t)d;
		high += d >> 32;
	}
	sum = low + high;
	for (; len >= 4; len -= 4, p += 4) {
		uint32_t v;

		memcpy(&v, p, sizeof(v));
		sum += v;
	}
	if (len > 0) {
		uint32_t v = 0;

		memcpy(&v, p, len);
		sum += v;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}
