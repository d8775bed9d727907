/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP to a node: see transport.h. */
#include "userland/deputy/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/list.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/loop.h"

#define IN_SIZE	      (4 * (sizeof(struct wire_hdr) + WIRE_PAYLOAD_MAX))
#define OUT_IOVS      32
#define FRAMES_A_TURN 64 /* then others get their turn */
/* Bytes that wait in the kernel unsent: an urgent frame cannot overtake these. */
#define NOTSENT_LOWAT (64 * 1024)

struct frame {
	struct list_head link;
	size_t len, sent;
	uint8_t bytes[];
};

struct transport {
	struct watch watch;
	const struct transport_ops *ops;
	void *arg;
	bool connected, down;
	bool want_out;
	size_t bulk_queued;
	struct list_head urgent, bulk;
	struct frame *current; /* partly sent: nothing may come before its rest */
	size_t in_start, in_end;
	struct alarm again; /* frames are left in the buffer */
	uint8_t in[IN_SIZE];
};

/* Frames are unpacked here, one at a time, aligned. */
static uint8_t payload[WIRE_PAYLOAD_MAX] __attribute__((aligned(64)));

static void go_down(struct transport *t, const char *why)
{
	if (t->down)
		return;
	t->down = true;
	loop_unwatch(&t->watch);
	alarm_cancel(&t->again);
	t->ops->down(t->arg, why);
}

static void watch_for(struct transport *t, bool out)
{
	if (t->down || (t->want_out == out && t->watch.on))
		return;
	t->want_out = out;
	loop_watch(&t->watch, EPOLLIN | (out ? EPOLLOUT : 0));
}

/* --- in --- */

static void take_frames(struct transport *t)
{
	struct wire_hdr hdr;
	const char *wrong;

	for (int n = 0; n < FRAMES_A_TURN && !t->down; n++) {
		if (t->in_end - t->in_start < sizeof(hdr))
			return;
		memcpy(&hdr, t->in + t->in_start, sizeof(hdr));
		wrong = wire_check(&hdr, 0);
		if (wrong) {
			go_down(t, wrong);
			return;
		}
		if (t->in_end - t->in_start < sizeof(hdr) + hdr.len)
			return;
		memcpy(payload, t->in + t->in_start + sizeof(hdr), hdr.len);
		t->in_start += sizeof(hdr) + hdr.len;
		wrong = t->ops->message(t->arg, &hdr, payload);
		if (wrong)
			go_down(t, wrong);
	}
	if (!t->down && t->in_end - t->in_start >= sizeof(hdr))
		alarm_set(&t->again, 0);
}

static void frames_again(struct alarm *alarm)
{
	take_frames(container_of(alarm, struct transport, again));
}

static void on_readable(struct transport *t)
{
	ssize_t n;

	if (t->in_start) {
		memmove(t->in, t->in + t->in_start, t->in_end - t->in_start);
		t->in_end -= t->in_start;
		t->in_start = 0;
	}
	if (t->in_end == sizeof(t->in)) {
		take_frames(t);
		return;
	}
	n = recv(t->watch.fd, t->in + t->in_end, sizeof(t->in) - t->in_end, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		go_down(t, n < 0 ? strerror(errno) : "it closed the connection");
		return;
	}
	t->in_end += (size_t)n;
	take_frames(t);
}

/* --- out --- */

void transport_send(struct transport *t, bool bulk, const struct wire_hdr *hdr,
		    const struct iovec *iov, int niov)
{
	struct frame *frame;
	size_t len = sizeof(*hdr) + hdr->len, at = sizeof(*hdr);

	if (t->down)
		return;
	frame = malloc(sizeof(*frame) + len);
	if (!frame)
		deputy_fatal("out of memory");
	frame->len = len;
	frame->sent = 0;
	memcpy(frame->bytes, hdr, sizeof(*hdr));
	for (int i = 0; i < niov; at += iov[i++].iov_len)
		memcpy(frame->bytes + at, iov[i].iov_base, iov[i].iov_len);
	if (bulk)
		t->bulk_queued += len;
	list_add_tail(&frame->link, bulk ? &t->bulk : &t->urgent);
}

size_t transport_bulk_queued(const struct transport *t)
{
	return t->bulk_queued;
}

static int gather_list(struct list_head *list, struct iovec *iov, int n)
{
	struct frame *frame;

	list_for_each_entry(frame, list, link) {
		if (n == OUT_IOVS)
			break;
		iov[n].iov_base = frame->bytes + frame->sent;
		iov[n++].iov_len = frame->len - frame->sent;
	}
	return n;
}

/* What went out: frees whole frames; a cut one becomes `current`. */
static size_t sent_from(struct transport *t, struct list_head *list, size_t n, bool bulk)
{
	while (n && !list_empty(list)) {
		struct frame *frame = list_first_entry(list, struct frame, link);

		list_del(&frame->link);
		if (bulk)
			t->bulk_queued -= frame->len;
		if (n < frame->len) {
			frame->sent = n;
			t->current = frame;
			return 0;
		}
		n -= frame->len;
		free(frame);
	}
	return n;
}

static void sent(struct transport *t, size_t n)
{
	if (t->current) {
		size_t rest = t->current->len - t->current->sent;

		if (n < rest) {
			t->current->sent += n;
			return;
		}
		n -= rest;
		free(t->current);
		t->current = NULL;
	}
	n = sent_from(t, &t->urgent, n, false);
	sent_from(t, &t->bulk, n, true);
}

void transport_flush(struct transport *t)
{
	struct iovec iov[OUT_IOVS];

	if (!t->connected || t->down)
		return;
	for (;;) {
		struct msghdr msg = { .msg_iov = iov };
		int n = 0;
		ssize_t done;

		if (t->current) {
			iov[0].iov_base = t->current->bytes + t->current->sent;
			iov[0].iov_len = t->current->len - t->current->sent;
			n = 1;
		}
		n = gather_list(&t->urgent, iov, n);
		n = gather_list(&t->bulk, iov, n);
		if (!n) {
			watch_for(t, false);
			return;
		}
		msg.msg_iovlen = (size_t)n;
		done = sendmsg(t->watch.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (done < 0 && (errno == EAGAIN || errno == EINTR)) {
			watch_for(t, true);
			return;
		}
		if (done < 0) {
			go_down(t, strerror(errno));
			return;
		}
		sent(t, (size_t)done);
	}
}

/* --- connecting --- */

static void on_socket(struct watch *watch, uint32_t events)
{
	struct transport *t = container_of(watch, struct transport, watch);
	int err = 0;
	socklen_t len = sizeof(err);

	if (!t->connected) {
		getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err) {
			go_down(t, strerror(err));
			return;
		}
		if (!(events & EPOLLOUT))
			return;
		t->connected = true;
		watch_for(t, false);
		t->ops->up(t->arg);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		on_readable(t);
	/* EPOLLOUT: the caller flushes after every turn of the loop. */
}

struct transport *transport_connect(const char *addr, uint16_t port,
				    const struct transport_ops *ops, void *arg, const char **why)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, lowat = NOTSENT_LOWAT;
	struct transport *t;

	if (inet_pton(AF_INET, addr, &sin.sin_addr) != 1) {
		*why = "not an address";
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		*why = strerror(ENOMEM);
		return NULL;
	}
	t->ops = ops;
	t->arg = arg;
	list_init(&t->urgent);
	list_init(&t->bulk);
	alarm_init(&t->again, frames_again);
	t->watch.fn = on_socket;
	t->watch.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (t->watch.fd < 0)
		goto fail;
	setsockopt(t->watch.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(t->watch.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof(lowat));
	if (connect(t->watch.fd, (struct sockaddr *)&sin, sizeof(sin)) && errno != EINPROGRESS)
		goto fail;
	t->want_out = true;
	loop_watch(&t->watch, EPOLLOUT);
	return t;
fail:
	*why = strerror(errno);
	if (t->watch.fd >= 0)
		close(t->watch.fd);
	free(t);
	return NULL;
}

static void free_frames(struct list_head *list)
{
	while (!list_empty(list)) {
		struct frame *frame = list_first_entry(list, struct frame, link);

		list_del(&frame->link);
		free(frame);
	}
}

void transport_close(struct transport *t)
{
	loop_unwatch(&t->watch);
	alarm_cancel(&t->again);
	close(t->watch.fd);
	free_frames(&t->urgent);
	free_frames(&t->bulk);
	free(t->current);
	free(t);
}
