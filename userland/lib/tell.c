/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread, one poll() over all nodes that are being told; what they send is checked before use.
 */
#include "userland/lib/tell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/wire.h"
#include "userland/lib/hello.h"

#define AT_ONCE 256	/* descriptors; the others wait for their turn */
#define LINE_SIZE 1024
#define ORDER_ID 1
/* No message for a home without guests is longer. */
#define IN_SIZE (sizeof(struct wire_hdr) + sizeof(struct wire_ordered) + WIRE_ORDERED_MAX)

struct peer {
	const struct node *node;	/* NULL: free */
	int fd;
	enum { CONNECTING, GREETING, TOLD } state;
	uint64_t heard_ms, pinged_ms;
	size_t have, line_len;
	char line[LINE_SIZE];
	uint8_t in[IN_SIZE];
};

struct telling {
	const char *order;
	const struct tell_ops *ops;
	void *arg;
	unsigned open;
	struct peer peers[AT_ONCE];
	struct pollfd fds[AT_ONCE];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void flush_line(struct telling *t, struct peer *p)
{
	p->line[p->line_len] = 0;
	p->line_len = 0;
	t->ops->line(p->node, p->line, t->arg);
}

static void end(struct telling *t, struct peer *p, int result, const char *err)
{
	const struct node *node = p->node;

	if (p->line_len)
		flush_line(t, p);
	if (p->fd >= 0)
		close(p->fd);
	p->node = NULL;
	t->open--;
	t->ops->end(node, result, err, t->arg);
}

/* So little is sent that the socket's buffer has room for it. NULL, or what is wrong. */
static const char *send_message(struct peer *p, unsigned type, uint32_t id, const void *payload,
				uint32_t len)
{
	struct wire_hdr hdr = { .len = len, .type = (uint16_t)type, .id = id };
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { (void *)payload, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = sendmsg(p->fd, &msg, MSG_NOSIGNAL);

	return n == (ssize_t)(sizeof(hdr) + len) ? NULL
	       : n < 0				 ? strerror(errno)
						 : "it does not listen";
}

static const char *ping(struct peer *p)
{
	struct wire_clock clock = hello_clock();

	p->pinged_ms = now_ms();
	return send_message(p, W_PING, 0, &clock, sizeof(clock));
}

static const char *on_hello(struct telling *t, struct peer *p, const void *payload)
{
	struct wire_hello hello = *(const struct wire_hello *)payload;
	struct wire_order order = { 0 };
	const char *wrong = p->state == GREETING ? hello_check(&hello) : "a second greeting";

	if (wrong)
		return wrong;
	p->state = TOLD;
	snprintf(order.line, sizeof(order.line), "%s", t->order);
	return send_message(p, W_ORDER, ORDER_ID, &order, sizeof(order));
}

static void on_text(struct telling *t, struct peer *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\n' || p->line_len == sizeof(p->line) - 1)
			flush_line(t, p);
		if (c != '\n')
			p->line[p->line_len++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
	}
}

/* NULL, or what is wrong; p->node is NULL when this was the end. */
static const char *on_message(struct telling *t, struct peer *p, const struct wire_hdr *hdr,
			      const void *payload)
{
	static char why[WIRE_REASON_MAX + 16];
	struct wire_ordered ordered;
	struct wire_text text;
	struct wire_clock clock;
	const char *wrong;

	switch (hdr->type) {
	case W_HELLO:
		return on_hello(t, p, payload);
	case W_REFUSE:
		memcpy(&text, payload, sizeof(text));
		wrong = wire_check_text(&text);
		snprintf(why, sizeof(why), "it refuses: %s", text.text);
		return wrong ? wrong : why;
	}
	if (p->state != TOLD)
		return "it did not greet first";
	switch (hdr->type) {
	case W_PING:
		clock = hello_clock();
		return send_message(p, W_PONG, hdr->id, &clock, sizeof(clock));
	case W_PONG:
	case W_LOG:
		return NULL;
	case W_ORDERED:
		if (hdr->id != ORDER_ID)
			return "an answer to what was not asked";
		memcpy(&ordered, payload, sizeof(ordered));
		on_text(t, p, (const char *)payload + sizeof(ordered), hdr->len - sizeof(ordered));
		if (hdr->flags & WF_LAST)
			end(t, p, ordered.result, NULL);
		return NULL;
	default:
		return "a message for a home with guests";
	}
}

static const char *take_messages(struct telling *t, struct peer *p)
{
	static _Alignas(8) uint8_t payload[IN_SIZE];
	struct wire_hdr hdr;
	size_t at = 0;
	const char *wrong;

	while (p->have - at >= sizeof(hdr)) {
		memcpy(&hdr, p->in + at, sizeof(hdr));
		wrong = wire_check(&hdr, 0);
		if (wrong)
			return wrong;
		if (hdr.len > IN_SIZE - sizeof(hdr))
			return "a message for a home with guests";
		if (p->have - at - sizeof(hdr) < hdr.len)
			break;
		memcpy(payload, p->in + at + sizeof(hdr), hdr.len);
		at += sizeof(hdr) + hdr.len;
		wrong = on_message(t, p, &hdr, payload);
		if (wrong || !p->node)
			return wrong;
	}
	p->have -= at;
	memmove(p->in, p->in + at, p->have);
	return NULL;
}

static const char *on_ready(struct telling *t, struct peer *p)
{
	struct wire_hello hello;
	socklen_t len = sizeof(int);
	ssize_t n;
	int err = 0;

	if (p->state == CONNECTING) {
		getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (err)
			return strerror(err);
		p->state = GREETING;
		hello = hello_make();
		return send_message(p, W_HELLO, 0, &hello, sizeof(hello));
	}
	n = recv(p->fd, p->in + p->have, sizeof(p->in) - p->have, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NULL;
	if (n <= 0)
		return n < 0 ? strerror(errno) : "it closed the connection";
	p->heard_ms = now_ms();
	p->have += (size_t)n;
	return take_messages(t, p);
}

static const char *on_time(struct peer *p)
{
	uint64_t now = now_ms();

	if (now - p->heard_ms > SESSION_SILENCE_MS)
		return p->state == CONNECTING ? "no answer" : "no sign of life";
	return p->state == TOLD && now - p->pinged_ms >= SESSION_PING_MS ? ping(p) : NULL;
}

static void begin(struct telling *t, struct peer *p, const struct node *node)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(node->port) };

	t->open++;
	*p = (struct peer){ .node = node, .heard_ms = now_ms() };
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || inet_pton(AF_INET, node->addr, &sin.sin_addr) != 1 ||
	    (connect(p->fd, (struct sockaddr *)&sin, sizeof(sin)) && errno != EINPROGRESS))
		end(t, p, 0, p->fd < 0 || errno ? strerror(errno) : "that is no address");
}

static void turn(struct telling *t)
{
	for (unsigned i = 0; i < AT_ONCE; i++) {
		struct peer *p = &t->peers[i];

		t->fds[i] = (struct pollfd){ .fd = p->node ? p->fd : -1,
					     .events = p->state == CONNECTING ? POLLOUT : POLLIN };
	}
	poll(t->fds, AT_ONCE, SESSION_PING_MS / 4);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		struct peer *p = &t->peers[i];
		const char *wrong =
			p->node && t->fds[i].fd >= 0 && t->fds[i].revents ? on_ready(t, p) : NULL;

		if (p->node && !wrong)
			wrong = on_time(p);
		if (p->node && wrong)
			end(t, p, 0, wrong);
	}
}

void tell(const char *order, const struct node *nodes, unsigned count, const struct tell_ops *ops,
	  void *arg)
{
	struct telling *t = calloc(1, sizeof(*t));
	unsigned next = 0;

	for (; !t && next < count; next++)
		ops->end(&nodes[next], 0, strerror(ENOMEM), arg);
	if (!t)
		return;
	t->order = order;
	t->ops = ops;
	t->arg = arg;
	while (next < count || t->open) {
		for (unsigned i = 0; i < AT_ONCE && next < count; i++)
			if (!t->peers[i].node)
				begin(t, &t->peers[i], &nodes[next++]);
		turn(t);
	}
	free(t);
}
