/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of everything that comes from the wire; shared by node, deputy and the fuzzers. */
#include "proto/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DIR_HN = 1, DIR_NH = 2, DIR_BOTH = 3 };

static const struct {
	const char *name;
	uint32_t lo, hi;
	uint8_t dir;
} types[W_TYPES] = {
#define X(name, dir, lo, hi) [W_##name] = { #name, lo, hi, DIR_##dir },
	WIRE_TYPES(X)
#undef X
};

const char *wire_type_name(unsigned type)
{
	return type > W_NONE && type < W_TYPES ? types[type].name : "unknown";
}

const char *wire_check(const struct wire_hdr *hdr, int to_node)
{
	if (hdr->type <= W_NONE || hdr->type >= W_TYPES)
		return "unknown message type";
	if (!(types[hdr->type].dir & (to_node ? DIR_HN : DIR_NH)))
		return "message in the wrong direction";
	if (hdr->len < types[hdr->type].lo || hdr->len > types[hdr->type].hi)
		return "message of an impossible length";
	return NULL;
}

const char *wire_check_call(const void *payload, uint32_t len)
{
	const struct wire_call *call = payload;
	const struct wire_buf *bufs;
	const struct wire_fixup *fix;
	uint64_t head, in = 0;

	if (len < sizeof(*call))
		return "call cut short";
	if (call->nbufs > WIRE_BUFS_MAX || call->nfixups > WIRE_FIXUPS_MAX)
		return "call with too many buffers";
	head = sizeof(*call) + call->nbufs * sizeof(struct wire_buf);
	if (len < head)
		return "call without its buffer table";
	bufs = (const void *)(call + 1);
	for (unsigned i = 0; i < call->nbufs; i++) {
		if (bufs[i].len > WIRE_CALL_MAX)
			return "call with an oversized buffer";
		if (bufs[i].arg > 5 && bufs[i].arg != WBUF_NO_ARG)
			return "buffer for an argument that does not exist";
		if (bufs[i].offset >= WIRE_PAGE_SIZE)
			return "buffer at an impossible place";
		if (bufs[i].flags & WBUF_IN)
			in += bufs[i].len;
	}
	/* Fixups are content: they travel as the first IN bytes (they may exceed one message). */
	if (call->total != in + (uint64_t)call->nfixups * sizeof(*fix) || in > WIRE_CALL_MAX)
		return "call whose content does not add up";
	if (len - head > call->total)
		return "call with more content than it says";
	return NULL;
}

const char *wire_check_pages(const void *payload, uint32_t len)
{
	const struct wire_pages *pages = payload;
	uint32_t raw = 0;

	if (len < sizeof(*pages))
		return "pages cut short";
	if (!pages->npages || pages->npages > WIRE_PAGES_MAX || pages->addr % WIRE_PAGE_SIZE)
		return "pages with an impossible range";
	for (uint32_t i = 0; i < pages->npages; i++) {
		if (pages->kind[i] > WPAGE_GONE)
			return "page of an unknown kind";
		raw += pages->kind[i] == WPAGE_RAW;
	}
	if (len != sizeof(*pages) + raw * WIRE_PAGE_SIZE)
		return "pages whose content does not add up";
	return NULL;
}

const char *wire_check_put(const void *payload, uint32_t len)
{
	const struct wire_put *put = payload;

	if (!put->npages || put->npages > WIRE_PAGES_MAX ||
	    (put->addr | put->offset) % WIRE_PAGE_SIZE ||
	    put->addr > UINT64_MAX - (uint64_t)put->npages * WIRE_PAGE_SIZE ||
	    put->offset > INT64_MAX - (uint64_t)put->npages * WIRE_PAGE_SIZE)
		return "shared pages with an impossible range";
	if (len != sizeof(*put) + put->npages * WIRE_PAGE_SIZE)
		return "shared pages whose content does not add up";
	return NULL;
}

const char *wire_check_text(struct wire_text *text)
{
	if (!memchr(text->text, 0, sizeof(text->text)))
		return "text without an end";
	/* It goes to terminals: nothing may move the cursor or change colours. */
	for (char *p = text->text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return NULL;
}

const char *wire_check_order(const struct wire_order *order)
{
	const char *end = memchr(order->line, 0, sizeof(order->line));

	if (!end)
		return "order without an end";
	for (const char *p = order->line; p < end; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return "order that is no line of text";
	return NULL;
}

void wire_text_set(struct wire_text *text, enum wire_reason code, const char *fmt, ...)
{
	va_list ap;

	memset(text, 0, sizeof(*text));
	text->code = code;
	va_start(ap, fmt);
	vsnprintf(text->text, sizeof(text->text), fmt, ap);
	va_end(ap);
}
