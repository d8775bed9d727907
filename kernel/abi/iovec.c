/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readv, writev and their kin: home gets one iovec for all of the buffers, which makes no
 * difference to the program and saves home the trouble.
 */
#include <errno.h>
#include <string.h>

#include "kernel/abi/abi.h"
#include "kernel/abi/layout.h"
#include "kernel/abi/marshal.h"
#include "kernel/mm/uaccess.h"

#define IOV_MAX_ 1024u
#define RW_MAX	 0x7ffff000ull /* MAX_RW_COUNT: Linux cuts a transfer here */

/*
 * Linux refuses this vector before it looks at any buffer, so the numbers in it, addresses of this
 * node's memory, mean nothing at home: the vector goes as it is, for Linux to refuse it.
 */
static long put_refused(struct marshal *m, unsigned arg, uint64_t addr, uint64_t count)
{
	return marshal_user(m, arg, addr,
			    count <= IOV_MAX_ ? count * 2 * user_long_size() : 0, WBUF_IN);
}

/* Bytes of all buffers, and of those before the first that is not accessible as a whole. */
static void measure(const struct iovec64 *iov, unsigned n, bool out, uint64_t *total,
		    uint64_t *have)
{
	bool bad = false;

	*total = *have = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t len = iov[i].len, ok;

		if (len > RW_MAX - *total)
			len = RW_MAX - *total;
		*total += len;
		if (bad || *total > WIRE_CALL_MAX)
			continue;
		ok = out ? user_writable_prefix(iov[i].base, len)
			 : user_readable_prefix(iov[i].base, len);
		*have += ok;
		bad = ok < len;
	}
}

/* Those of i386 are made ones of ours, in place: they are half as long. Refused alike by their sign. */
static int get_iovecs(struct iovec64 *iov, uint64_t from, unsigned n)
{
	const uint32_t *half = (const uint32_t *)iov;
	uint64_t size = 2 * user_long_size();

	if (copy_from_user(iov, from, n * size))
		return -EFAULT;
	if (size == sizeof(*iov))
		return 0;
	for (unsigned i = n; i-- > 0;)
		iov[i] = (struct iovec64){ half[2 * i], (uint64_t)(int32_t)half[2 * i + 1] };
	return 0;
}

long marshal_iovec(struct marshal *m, unsigned arg, uint64_t addr, uint64_t count, unsigned flags,
		   bool *merged)
{
	bool out = flags & WBUF_OUT;
	struct iovec64 *iov, *one;
	uint64_t total, have, at = 0;
	struct fbuf *b;
	uint8_t *data;

	if (!count || count > IOV_MAX_)
		return put_refused(m, arg, addr, count);
	iov = marshal_alloc(m, (count + 1) * sizeof(*iov));
	if (!iov)
		return retreat(WHY_MEMORY, "no memory for an iovec");
	if (get_iovecs(iov, addr, count))
		return put_refused(m, arg, addr, count);
	for (unsigned i = 0; i < count; i++)
		if ((int64_t)iov[i].len < 0 || !user_range_ok(iov[i].base, iov[i].len))
			return put_refused(m, arg, addr, count);
	measure(iov, count, out, &total, &have);
	if (total > WIRE_CALL_MAX)
		return marshal_too_large(m, total);
	data = marshal_alloc(m, have);
	if (!data)
		return marshal_too_large(m, total);
	for (unsigned i = 0; i < count && (flags & WBUF_IN) && at < have; i++) {
		uint64_t n = iov[i].len < have - at ? iov[i].len : have - at;

		copy_from_user(data + at, iov[i].base, n);
		at += n;
	}

	one = &iov[count];
	one->base = 0;
	one->len = total;
	if (user_long_size() == 4)
		one->base = total << 32; /* the length is the second word */
	marshal_fixup(m, m->call.nbufs, 0, m->call.nbufs + 1);
	marshal_buf(m, arg, (uint64_t)one, 2 * user_long_size(), WBUF_IN)->kernel = true;
	b = marshal_buf(m, WBUF_NO_ARG, (uint64_t)data, have,
			flags | (out ? WBUF_RET : 0) | (have < total ? WBUF_BAD : 0));
	b->kernel = true;
	m->call.offset[b - m->call.buf] = iov[0].base % PAGE_SIZE;
	*merged = true;
	if (out) {
		m->iov = iov;
		m->iovs = count;
		m->iov_data = data;
		m->iov_bytes = have;
	}
	return 0;
}

void marshal_scatter(struct marshal *m, long ret)
{
	uint64_t left = ret > 0 ? (uint64_t)ret : 0, at = 0;

	if (left > m->iov_bytes)
		left = m->iov_bytes;
	for (unsigned i = 0; i < m->iovs && left; i++) {
		uint64_t n = m->iov[i].len < left ? m->iov[i].len : left;

		copy_to_user(m->iov[i].base, (const uint8_t *)m->iov_data + at, n);
		at += n;
		left -= n;
	}
}
