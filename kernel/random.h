/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random bytes for identities, sequence numbers and keys: ChaCha20 (RFC 8439) over a pool of
 * RDRAND, time-stamp jitter and whatever is mixed in. Any context, any CPU.
 */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *buf, size_t len);
uint32_t random32(void);

/* Stirs in something an outsider does not know (a hardware address, the moment of an interrupt). */
void random_mix(const void *data, size_t len);

#endif
