/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers on media: little endian, aligned or not. */
#ifndef KERNEL_MEDIUM_BYTES_H
#define KERNEL_MEDIUM_BYTES_H

#include <stdint.h>

static inline uint32_t get_le16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | get_le16(p + 2) << 16;
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = v >> 8 * i;
}

#endif
