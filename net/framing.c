/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages out of a byte stream; see framing.h. A header is checked before its length is used. */
#include "net/framing.h"

#include <stdlib.h>
#include <string.h>

#define HDR sizeof(struct wire_hdr)

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

void framing_init(struct framing *f, int to_node)
{
	memset(f, 0, sizeof(*f));
	f->to_node = to_node;
}

void framing_reset(struct framing *f)
{
	free(f->payload);
	framing_init(f, f->to_node);
}

static const char *deliver(struct framing *f, const void *payload, framing_fn fn, void *ctx)
{
	uint8_t *mem = f->payload;
	struct wire_hdr hdr = f->hdr;
	const char *wrong;

	f->payload = NULL;
	f->have = 0;
	wrong = fn(ctx, &hdr, payload);
	free(mem);
	return wrong;
}

const char *framing_feed(struct framing *f, const void *data, size_t len, framing_fn fn, void *ctx)
{
	const uint8_t *p = data;
	const char *wrong;
	size_t n;

	while (len) {
		if (f->have < HDR) {
			n = min_size(len, HDR - f->have);
			memcpy((uint8_t *)&f->hdr + f->have, p, n);
			f->have += n;
			p += n;
			len -= n;
			if (f->have < HDR)
				break;
			wrong = wire_check(&f->hdr, f->to_node);
			if (wrong)
				return wrong;
			/* Complete here and now: an empty one, or one that lies before us whole. */
			if (len >= f->hdr.len && (!f->hdr.len || (uintptr_t)p % 8 == 0)) {
				n = f->hdr.len;
				wrong = deliver(f, p, fn, ctx);
				if (wrong)
					return wrong;
				p += n;
				len -= n;
				continue;
			}
			f->payload = malloc(f->hdr.len);
			if (!f->payload)
				return "no memory for a message";
		}
		n = min_size(len, HDR + f->hdr.len - f->have);
		memcpy(f->payload + (f->have - HDR), p, n);
		f->have += n;
		p += n;
		len -= n;
		if (f->have < HDR + f->hdr.len)
			break;
		wrong = deliver(f, f->payload, fn, ctx);
		if (wrong)
			return wrong;
	}
	return NULL;
}
