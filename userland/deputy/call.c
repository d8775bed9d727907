/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue of what a node asks of a stub, and the joining of DATA and CALL: see call.h. */
#include "userland/deputy/call.h"

#include <stdlib.h>
#include <string.h>

#include "userland/deputy/away.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/stub.h"

/* Content that came in DATA messages, until its CALL is here. */
struct incoming {
	uint32_t id;
	size_t len, size;
	uint8_t *bytes;
};

#define CONTENT_MAX (WIRE_CALL_MAX + WIRE_FIXUPS_MAX * sizeof(struct wire_fixup))

static void incoming_free(struct stub *stub)
{
	if (stub->incoming)
		free(stub->incoming->bytes);
	free(stub->incoming);
	stub->incoming = NULL;
}

static void *must(void *p)
{
	if (!p)
		deputy_fatal("out of memory");
	return p;
}

const char *call_data(struct stub *stub, const struct wire_hdr *hdr, const void *payload)
{
	struct incoming *in = stub->incoming;

	if (!in) {
		in = stub->incoming = must(calloc(1, sizeof(*in)));
		in->id = hdr->id;
	}
	if (in->id != hdr->id)
		return "content of two calls at once";
	if (in->len + hdr->len > CONTENT_MAX)
		return "call with an oversized content";
	if (in->len + hdr->len > in->size) {
		in->size = 2 * (in->len + hdr->len);
		in->bytes = must(realloc(in->bytes, in->size));
	}
	memcpy(in->bytes + in->len, payload, hdr->len);
	in->len += hdr->len;
	return NULL;
}

/* Every fixup's place and target must be inside buffers of this call. */
static const char *check_fixups(const struct call *call)
{
	const uint8_t *at = call->bytes;
	struct wire_fixup fix;

	for (uint32_t i = 0; i < call->head.nfixups; i++, at += sizeof(fix)) {
		memcpy(&fix, at, sizeof(fix));
		if (fix.buf >= call->head.nbufs || fix.target >= call->head.nbufs)
			return "fixup of a buffer that does not exist";
		if (!(call->bufs[fix.buf].flags & WBUF_IN))
			return "fixup in a buffer without content";
		if (fix.offset > call->bufs[fix.buf].len ||
		    call->bufs[fix.buf].len - fix.offset < call_pointer_size(call) ||
		    fix.delta > call->bufs[fix.target].len)
			return "fixup outside its buffer";
	}
	return NULL;
}

static const char *take_call(struct stub *stub, struct call *call, const void *payload,
			     uint32_t len)
{
	const char *wrong = wire_check_call(payload, len);
	struct incoming *in = stub->incoming;
	size_t head, before = 0;
	uint64_t out = 0;

	if (wrong)
		return wrong;
	memcpy(&call->head, payload, sizeof(call->head));
	head = sizeof(call->head) + call->head.nbufs * sizeof(struct wire_buf);
	memcpy(call->bufs, (const uint8_t *)payload + sizeof(call->head),
	       head - sizeof(call->head));
	for (unsigned i = 0; i < call->head.nbufs; i++)
		if (call->bufs[i].flags & WBUF_OUT)
			out += call->bufs[i].len;
	if (out > WIRE_CALL_MAX)
		return "call that wants too much back";
	if (in) {
		if (in->id != call->hdr.id)
			return "content of another call";
		before = in->len;
	}
	if (before + (len - head) != call->head.total)
		return "call whose content is not complete";
	call->len = call->head.total;
	if (in) {
		call->bytes = must(realloc(in->bytes, call->len));
		in->bytes = NULL;
		incoming_free(stub);
	} else if (call->len) {
		call->bytes = must(malloc(call->len));
	}
	if (len > head)
		memcpy(call->bytes + before, (const uint8_t *)payload + head, len - head);
	return check_fixups(call);
}

const char *call_message(struct stub *stub, const struct wire_hdr *hdr, const void *payload)
{
	struct call *call = must(calloc(1, sizeof(*call)));
	const char *wrong = NULL;

	list_init(&call->link);
	call->hdr = *hdr;
	if (hdr->type == W_CALL) {
		wrong = take_call(stub, call, payload, hdr->len);
		stub->process->calls_total++;
	} else {
		call->len = hdr->len;
		call->bytes = must(malloc(hdr->len + 1));
		memcpy(call->bytes, payload, hdr->len);
	}
	stub->calls_bytes += call->len + sizeof(*call);
	list_add_tail(&call->link, &stub->calls);
	if (!wrong && stub->calls_bytes > CALLS_BYTES_MAX)
		wrong = "more calls than any program makes";
	if (wrong)
		return wrong;
	away_work(stub);
	backlog_after(stub, hdr, payload);
	return NULL;
}

struct call *call_first(struct stub *stub)
{
	return list_empty(&stub->calls) ? NULL : list_first_entry(&stub->calls, struct call, link);
}

void call_drop(struct stub *stub, struct call *call)
{
	list_del(&call->link);
	stub->calls_bytes -= call->len + sizeof(*call);
	free(call->bytes);
	free(call);
	backlog_go(stub);
}

bool call_running(struct stub *stub, uint32_t id)
{
	struct call *call = call_first(stub);

	return call && call->running && call->hdr.id == id;
}

void call_abort(struct stub *stub, uint32_t id)
{
	struct call *call;

	list_for_each_entry(call, &stub->calls, link) {
		if (call->hdr.id != id || (call->hdr.type != W_CALL && call->hdr.type != W_FORK))
			continue;
		if (call->running) {
			away_abort(stub);
			return;
		}
		/* Never begun: as if the signal had come just before it. -513 always restarts. */
		call_reply(stub, call, -513);
		call_drop(stub, call);
		return;
	}
	/* None: its answer is on the way already. */
}

void call_forget(struct stub *stub)
{
	while (!list_empty(&stub->calls))
		call_drop(stub, call_first(stub));
	incoming_free(stub);
}
