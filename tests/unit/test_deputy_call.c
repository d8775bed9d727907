/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node asks of a stub, as the deputy takes it in: DATA and CALL joined in order,
 * everything that does not add up refused, and random damage survived.
 * Sources: userland/deputy/call.c proto/wire.c
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/away.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/stub.h"

#define CHECK(expr)                                                            \
	do {                                                                   \
		if (!(expr)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #expr); \
			exit(1);                                               \
		}                                                              \
	} while (0)

/* --- what call.c needs of the deputy --- */

static unsigned work, aborts;
static int64_t replied;

void away_work(struct stub *stub)
{
	(void)stub;
	work++;
}

void away_abort(struct stub *stub)
{
	(void)stub;
	aborts++;
}

void backlog_go(struct stub *stub)
{
	(void)stub;
}

void backlog_after(struct stub *stub, const struct wire_hdr *hdr, const void *payload)
{
	(void)stub;
	(void)hdr;
	(void)payload;
}

void call_reply(struct stub *stub, const struct call *call, int64_t ret)
{
	(void)stub;
	(void)call;
	replied = ret;
}

void deputy_fatal(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

/* --- messages --- */

static struct process process;
static struct stub stub;
static uint8_t msg[WIRE_PAYLOAD_MAX];

static void reset(void)
{
	call_forget(&stub);
	memset(&stub, 0, sizeof(stub));
	stub.process = &process;
	list_init(&stub.calls);
	work = aborts = 0;
	replied = 0;
}

static struct wire_hdr header(unsigned type, uint32_t id, size_t len)
{
	return (struct wire_hdr){
		.type = (uint16_t)type, .id = id, .len = (uint32_t)len, .tid = 7
	};
}

static const char *send_call(uint32_t id, const struct wire_call *call, const struct wire_buf *bufs,
			     const void *content, size_t len)
{
	size_t head = sizeof(*call) + call->nbufs * sizeof(*bufs);
	struct wire_hdr hdr = header(W_CALL, id, head + len);

	memcpy(msg, call, sizeof(*call));
	memcpy(msg + sizeof(*call), bufs, call->nbufs * sizeof(*bufs));
	memcpy(msg + head, content, len);
	return call_message(&stub, &hdr, msg);
}

static const char *send_data(uint32_t id, const void *content, size_t len)
{
	struct wire_hdr hdr = header(W_DATA, id, len);

	return call_data(&stub, &hdr, content);
}

static void joins_data_and_call(void)
{
	struct wire_buf buf = { .len = 10, .arg = 1, .flags = WBUF_IN };
	struct wire_call call = { .nr = 1, .nbufs = 1, .total = 10 };

	reset();
	CHECK(!send_data(5, "abcd", 4));
	CHECK(!send_data(5, "ef", 2));
	CHECK(!work);
	CHECK(!send_call(5, &call, &buf, "ghij", 4));
	CHECK(work == 1 && call_first(&stub)->len == 10);
	CHECK(!memcmp(call_first(&stub)->bytes, "abcdefghij", 10));
	CHECK(!send_call(6, &call, &buf, "0123456789", 10));
	CHECK(call_first(&stub)->hdr.id == 5);
	call_drop(&stub, call_first(&stub));
	CHECK(call_first(&stub)->hdr.id == 6);
	call_drop(&stub, call_first(&stub));
	CHECK(!call_first(&stub) && !stub.calls_bytes);
}

static void refuses_what_does_not_add_up(void)
{
	struct wire_buf buf = { .len = 10, .arg = 1, .flags = WBUF_IN };
	struct wire_buf out = { .len = WIRE_CALL_MAX, .arg = 1, .flags = WBUF_OUT };
	struct wire_buf outs[2] = { out, out };
	struct wire_call call = { .nr = 1, .nbufs = 1, .total = 10 };

	reset();
	CHECK(send_call(1, &call, &buf, "short", 5));
	reset();
	CHECK(!send_data(2, "abcd", 4));
	CHECK(send_data(3, "abcd", 4));
	reset();
	CHECK(!send_data(2, "abcdef", 6));
	CHECK(send_call(3, &call, &buf, "ghij", 4));
	reset();
	CHECK(!send_data(2, "abcdefgh", 8));
	CHECK(send_call(2, &call, &buf, "ghij", 4));
	reset();
	call.total = 0;
	CHECK(!send_call(1, &call, &out, "", 0));
	call.nbufs = 2;
	CHECK(send_call(2, &call, outs, "", 0));
	reset();
	for (int i = 0; i < 400; i++)
		if (send_data(9, msg, sizeof(msg)))
			return;
	CHECK(!"a call's content has no limit");
}

/* Every fixup must name buffers of the call, and 8 bytes inside one that has content. */
static void checks_fixups(void)
{
	static const struct wire_fixup bad[] = {
		{ .buf = 2 },	 { .target = 2 },	    { .buf = 1 },
		{ .offset = 9 }, { .offset = 0xffffffffu }, { .target = 1, .delta = 33 },
	};
	struct wire_buf bufs[2] = { { .len = 16, .arg = 0, .flags = WBUF_IN },
				    { .len = 32, .arg = 1, .flags = WBUF_OUT } };
	struct wire_call call = { .nr = 1, .nbufs = 2, .nfixups = 1 };
	struct wire_fixup good = { .offset = 8, .target = 1, .delta = 32 };
	uint8_t content[sizeof(good) + 16] = { 0 };

	call.total = sizeof(content);
	memcpy(content, &good, sizeof(good));
	reset();
	CHECK(!send_call(1, &call, bufs, content, sizeof(content)));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(content, &bad[i], sizeof(bad[i]));
		reset();
		CHECK(send_call(1, &call, bufs, content, sizeof(content)));
	}
}

static void aborts_the_right_one(void)
{
	struct wire_call call = { .nr = 110 };
	struct wire_buf none = { 0 };

	reset();
	CHECK(!send_call(1, &call, &none, "", 0));
	CHECK(!send_call(2, &call, &none, "", 0));
	call_first(&stub)->running = true;
	call_abort(&stub, 3);
	CHECK(!aborts && !replied);
	call_abort(&stub, 2);
	CHECK(!aborts && replied == -513);
	call_abort(&stub, 1);
	CHECK(aborts == 1);
}

static uint32_t rnd(void)
{
	static uint32_t x = 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void survives_damage(void)
{
	struct wire_buf bufs[3] = { { .len = 64, .arg = 0, .flags = WBUF_IN },
				    { .len = 32, .arg = 1, .flags = WBUF_IN },
				    { .len = 32, .arg = 2, .flags = WBUF_OUT } };
	struct wire_call call = { .nr = 1, .nbufs = 3, .nfixups = 2 };
	size_t head = sizeof(call) + sizeof(bufs), len;
	struct wire_fixup fix[2] = { { .offset = 8, .target = 2 }, { .buf = 1, .target = 0 } };

	call.total = sizeof(fix) + 96;
	len = head + call.total;
	for (int i = 0; i < 200000; i++) {
		struct wire_hdr hdr = header(W_CALL, rnd() % 3, len - rnd() % 4 * (rnd() % 8));

		if (i % 50 == 0)
			reset();
		memcpy(msg, &call, sizeof(call));
		memcpy(msg + sizeof(call), bufs, sizeof(bufs));
		memcpy(msg + head, fix, sizeof(fix));
		for (unsigned n = rnd() % 4; n; n--)
			msg[rnd() % (head + sizeof(fix))] =
				(uint8_t)(rnd() % 3 ? rnd() % 4 : rnd());
		if (rnd() % 5 == 0)
			send_data(rnd() % 3, msg, 1 + rnd() % 200);
		call_message(&stub, &hdr, msg);
	}
	reset();
}

int main(void)
{
	stub.process = &process;
	list_init(&stub.calls);
	joins_data_and_call();
	refuses_what_does_not_add_up();
	checks_fixups();
	aborts_the_right_one();
	survives_damage();
	return 0;
}
