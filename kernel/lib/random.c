/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The random generator: a ChaCha20 key that is replaced by its own output after every use, so that
 * what was given out cannot be reconstructed from a later state.
 */
#include "kernel/random.h"

#include <stdbool.h>
#include <string.h>

#include "kernel/cpu/features.h"
#include "kernel/cpu/x86.h"
#include "kernel/sync/spinlock.h"

#define BLOCK	  64
#define KEY_WORDS 8

static spinlock_t lock = SPINLOCK_INIT;
static uint32_t key[KEY_WORDS];
static uint64_t counter;
static bool seeded;

static inline uint32_t rotl(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

#define QUARTER(a, b, c, d)                  \
	do {                                 \
		a += b, d = rotl(d ^ a, 16); \
		c += d, b = rotl(b ^ c, 12); \
		a += b, d = rotl(d ^ a, 8);  \
		c += d, b = rotl(b ^ c, 7);  \
	} while (0)

static void chacha_block(uint32_t out[16])
{
	uint32_t in[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 }, *x = out;

	memcpy(&in[4], key, sizeof(key));
	in[12] = counter;
	in[13] = counter >> 32;
	counter++;
	memcpy(x, in, sizeof(in));
	for (int i = 0; i < 10; i++) {
		QUARTER(x[0], x[4], x[8], x[12]);
		QUARTER(x[1], x[5], x[9], x[13]);
		QUARTER(x[2], x[6], x[10], x[14]);
		QUARTER(x[3], x[7], x[11], x[15]);
		QUARTER(x[0], x[5], x[10], x[15]);
		QUARTER(x[1], x[6], x[11], x[12]);
		QUARTER(x[2], x[7], x[8], x[13]);
		QUARTER(x[3], x[4], x[9], x[14]);
	}
	for (int i = 0; i < 16; i++)
		x[i] += in[i];
}

static void rekey(void)
{
	uint32_t block[16];

	chacha_block(block);
	memcpy(key, block, sizeof(key));
	memset(block, 0, sizeof(block));
}

static void mix_word(uint32_t v)
{
	key[0] ^= v;
	rekey();
}

static bool rdrand(uint64_t *v)
{
	unsigned char ok = 0;

	for (int tries = 0; tries < 10 && !ok; tries++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(ok) : : "cc");
	return ok;
}

/*
 * Without RDRAND the distance between time stamps has to do: how long the loop takes depends on
 * caches, interrupts and the memory's refresh, and the start value on when power came.
 */
static void seed(void)
{
	uint64_t v;

	for (int i = 0; i < 64; i++) {
		v = rdtsc();
		mix_word(v ^ v >> 32);
	}
	for (int i = 0; i < 8 && CPU_HAS_RDRAND && rdrand(&v); i++) {
		mix_word(v);
		mix_word(v >> 32);
	}
	seeded = true;
}

void random_bytes(void *buf, size_t len)
{
	unsigned long flags = spin_lock_irqsave(&lock);
	uint8_t *out = buf;
	uint32_t block[16];

	if (!seeded)
		seed();
	key[1] ^= rdtsc();
	while (len) {
		size_t n = len < BLOCK ? len : BLOCK;

		chacha_block(block);
		memcpy(out, block, n);
		out += n;
		len -= n;
	}
	memset(block, 0, sizeof(block));
	rekey();
	spin_unlock_irqrestore(&lock, flags);
}

uint32_t random32(void)
{
	uint32_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

void random_mix(const void *data, size_t len)
{
	unsigned long flags = spin_lock_irqsave(&lock);
	const uint8_t *p = data;

	if (!seeded)
		seed();
	for (; len; len--, p++)
		key[len % KEY_WORDS] ^= *p;
	mix_word(rdtsc());
	spin_unlock_irqrestore(&lock, flags);
}
