/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The framing of sessions: a stream of messages, cut anywhere and lying anywhere in memory, must come
 * out as it went in; garbage must be refused before it is believed. And the Internet checksum, against
 * the obvious loop. Sources: net/framing.c net/port/chksum.c proto/wire.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/framing.h"

uint16_t net_chksum(const void *data, int len);

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr); \
			exit(1);                                               \
		}                                                              \
	} while (0)

#define STREAM	 (1 << 20)
#define MESSAGES 200

static uint32_t state = 1;

static uint32_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static uint8_t stream[STREAM];
static size_t stream_len, delivered_at;
static unsigned delivered;

static const char *compare(void *ctx, const struct wire_hdr *hdr, const void *payload)
{
	CHECK(ctx == stream);
	CHECK(!memcmp(stream + delivered_at, hdr, sizeof(*hdr)));
	delivered_at += sizeof(*hdr);
	CHECK(hdr->len == 0 || (uintptr_t)payload % 8 == 0);
	CHECK(!memcmp(stream + delivered_at, payload, hdr->len));
	delivered_at += hdr->len;
	delivered++;
	return NULL;
}

static void put_message(uint16_t type, uint32_t len)
{
	struct wire_hdr hdr = { .len = len, .type = type, .tid = rnd(), .id = rnd() };

	memcpy(stream + stream_len, &hdr, sizeof(hdr));
	stream_len += sizeof(hdr);
	for (uint32_t i = 0; i < len; i++)
		stream[stream_len++] = rnd();
}

static void make_stream(void)
{
	stream_len = 0;
	for (unsigned i = 0; i < MESSAGES; i++) {
		switch (rnd() % 5) {
		case 0:
			put_message(W_STOP, 0);
			break;
		case 1:
			put_message(W_PING, sizeof(struct wire_clock));
			break;
		case 2:
			put_message(W_DATA, 1 + rnd() % 100);
			break;
		case 3:
			put_message(W_DATA, 1 + rnd() % 9000);
			break;
		case 4:
			put_message(W_DATA, rnd() % 8 ? 8 : WIRE_PAYLOAD_MAX);
			break;
		}
		if (stream_len > STREAM - WIRE_PAYLOAD_MAX - 100)
			break;
	}
}

/* Every cut: single bytes, frames of 1460, all at once, and at random; each in memory of its own. */
static void test_any_cut_gives_the_same_messages(void)
{
	for (unsigned round = 0; round < 60; round++) {
		struct framing f;
		size_t at = 0;
		unsigned wanted = 0;

		make_stream();
		framing_init(&f, 1);
		for (size_t i = 0; i < stream_len; wanted++) {
			struct wire_hdr hdr;

			memcpy(&hdr, stream + i, sizeof(hdr));
			i += sizeof(hdr) + hdr.len;
		}
		delivered = 0;
		delivered_at = 0;
		while (at < stream_len) {
			size_t n = round == 0	? 1
				   : round == 1 ? 1460
				   : round == 2 ? stream_len
						: 1 + rnd() % (1u << rnd() % 17);
			size_t shift = rnd() % 9;
			uint8_t *piece;

			if (n > stream_len - at)
				n = stream_len - at;
			piece = malloc(n + shift);
			memcpy(piece + shift, stream + at, n);
			CHECK(!framing_feed(&f, piece + shift, n, compare, stream));
			free(piece);
			at += n;
		}
		CHECK(delivered == wanted && delivered_at == stream_len);
		CHECK(!f.payload && !f.have);
	}
}

static unsigned calls;

static const char *count(void *ctx, const struct wire_hdr *hdr, const void *payload)
{
	(void)ctx, (void)payload;
	CHECK(!wire_check(hdr, 1));
	return ++calls == 3 ? "enough" : NULL;
}

static const char *feed_header(uint32_t len, uint16_t type)
{
	struct wire_hdr hdr = { .len = len, .type = type };
	struct framing f;
	const char *wrong;

	framing_init(&f, 1);
	wrong = framing_feed(&f, &hdr, sizeof(hdr), count, NULL);
	framing_reset(&f);
	return wrong;
}

static void test_bad_headers_are_refused_at_once(void)
{
	calls = 0;
	CHECK(feed_header(0, W_NONE));
	CHECK(feed_header(0, W_TYPES));
	CHECK(feed_header(0, 0xffff));
	CHECK(feed_header(WIRE_PAYLOAD_MAX + 1, W_DATA));
	CHECK(feed_header(0xffffffff, W_DATA));
	CHECK(feed_header(0, W_DATA));
	CHECK(feed_header(1, W_KILL));
	CHECK(feed_header(0, W_ABORT)); /* only a node says that */
	CHECK(calls == 0);
	CHECK(!feed_header(WIRE_PAYLOAD_MAX, W_DATA)); /* cut short: not wrong, and nothing leaks */
	CHECK(calls == 0);
}

static void test_the_owner_can_refuse(void)
{
	struct wire_hdr hdr[5];
	struct framing f;

	for (int i = 0; i < 5; i++)
		hdr[i] = (struct wire_hdr){ .type = W_CONT };
	calls = 0;
	framing_init(&f, 1);
	CHECK(!strcmp(framing_feed(&f, hdr, sizeof(hdr), count, NULL), "enough"));
	CHECK(calls == 3);
	framing_reset(&f);
}

static const char *accept_all(void *ctx, const struct wire_hdr *hdr, const void *payload)
{
	uint8_t last = 0;

	(void)ctx;
	if (hdr->len)
		last = ((const uint8_t *)payload)[hdr->len - 1]; /* ASan looks */
	return last == 0x55 ? "bad" : NULL;
}

/* Random bytes, with plausible headers among them, in random pieces: no crash, no leak. */
static void test_garbage(void)
{
	for (unsigned round = 0; round < 3000; round++) {
		struct framing f;
		const char *wrong = NULL;

		framing_init(&f, 1);
		for (unsigned i = 0; i < 20 && !wrong; i++) {
			size_t n = 1 + rnd() % 300;
			uint8_t *piece = malloc(n);

			for (size_t k = 0; k < n; k++)
				piece[k] = rnd();
			if (n >= sizeof(struct wire_hdr) && rnd() % 2) {
				struct wire_hdr hdr = { .len = rnd() % 400,
							.type = rnd() % (W_TYPES + 1) };

				memcpy(piece, &hdr, sizeof(hdr));
			}
			wrong = framing_feed(&f, piece, n, accept_all, NULL);
			free(piece);
		}
		framing_reset(&f);
	}
}

static uint16_t slow_sum(const uint8_t *p, int len)
{
	uint32_t sum = 0;

	for (int i = 0; i < len; i += 2)
		sum += p[i] | (i + 1 < len ? p[i + 1] << 8 : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_checksum_equals_the_obvious_loop(void)
{
	static uint8_t ones[66000];

	for (unsigned round = 0; round < 5000; round++) {
		int len = round < 200 ? (int)round : (int)(rnd() % 3000);
		unsigned shift = rnd() % 8;
		uint8_t *piece = malloc(len + shift);

		for (int i = 0; i < len; i++)
			piece[shift + i] = rnd();
		CHECK(net_chksum(piece + shift, len) == slow_sum(piece + shift, len));
		free(piece);
	}
	memset(ones, 0xff, sizeof(ones));
	CHECK(net_chksum(ones, 65535) == slow_sum(ones, 65535));
	CHECK(net_chksum(ones, 1) == 0x00ff);
}

int main(void)
{
	test_any_cut_gives_the_same_messages();
	test_bad_headers_are_refused_at_once();
	test_the_owner_can_refuse();
	test_garbage();
	test_checksum_equals_the_obvious_loop();
	printf("ok framing and checksum\n");
	return 0;
}
