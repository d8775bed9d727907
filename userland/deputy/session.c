/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions: greeting, heartbeat, queues, and the end. What guests say goes to dispatch.c. */
#include "userland/deputy/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/away.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/dispatch.h"
#include "userland/deputy/hostcpu.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/move.h"
#include "userland/deputy/transport.h"
#include "userland/lib/hello.h"
#include "userland/lib/nodes.h"

#define BULK_LOW (256 * 1024) /* bytes: below this, sources are asked for more */

struct session {
	struct list_head link;
	struct transport *transport;
	struct node node;
	bool up;
	bool lost; /* to be freed by sessions_run() */
	struct wire_hello hello;
	uint32_t next_id;
	struct alarm ping;
	unsigned quiet_ticks;	/* since the node was last heard */
	struct list_head sources;
	char why[WIRE_REASON_MAX + 64]; /* it was lost, or will be */
};

static struct list_head sessions = LIST_HEAD_INIT(sessions);

const struct wire_hello *session_node(const struct session *session)
{
	return &session->hello;
}

const char *session_name(const struct session *session)
{
	return session->node.name;
}

unsigned session_number(const struct session *session)
{
	return session->node.number;
}

bool session_up(const struct session *session)
{
	return session->up && !session->lost;
}

uint32_t session_id(struct session *session)
{
	if (!++session->next_id)
		session->next_id = 1;
	return session->next_id;
}

/* --- sending --- */

static void queue(struct session *session, bool bulk, unsigned type, unsigned flags, uint32_t tid,
		  uint32_t id, const struct iovec *iov, int niov)
{
	struct wire_hdr hdr = {
		.type = (uint16_t)type, .flags = (uint16_t)flags, .tid = tid, .id = id
	};

	if (session->lost || !session->transport)
		return;
	for (int i = 0; i < niov; i++)
		hdr.len += (uint32_t)iov[i].iov_len;
	transport_send(session->transport, bulk, &hdr, iov, niov);
}

void session_send(struct session *session, unsigned type, unsigned flags, uint32_t tid, uint32_t id,
		  const struct iovec *iov, int niov)
{
	queue(session, false, type, flags, tid, id, iov, niov);
}

void session_send_bulk(struct session *session, unsigned type, unsigned flags, uint32_t tid,
		       uint32_t id, const struct iovec *iov, int niov)
{
	queue(session, true, type, flags, tid, id, iov, niov);
}

void session_send1(struct session *session, unsigned type, unsigned flags, uint32_t tid,
		   uint32_t id, const void *payload, uint32_t len)
{
	const struct iovec iov = { (void *)payload, len };

	queue(session, false, type, flags, tid, id, &iov, len ? 1 : 0);
}

void bulk_source_init(struct bulk_source *source,
		      bool (*produce)(struct bulk_source *source, struct session *session))
{
	list_init(&source->link);
	source->produce = produce;
}

void session_bulk_start(struct session *session, struct bulk_source *source)
{
	if (list_empty(&source->link))
		list_add_tail(&source->link, &session->sources);
}

void session_bulk_stop(struct bulk_source *source)
{
	list_del(&source->link);
}

static void produce_bulk(struct session *session)
{
	while (!session->lost && !list_empty(&session->sources) &&
	       transport_bulk_queued(session->transport) < BULK_LOW) {
		struct bulk_source *source =
			list_first_entry(&session->sources, struct bulk_source, link);

		/* To the end first: produce() may stop or free its source. */
		list_del(&source->link);
		list_add_tail(&source->link, &session->sources);
		if (!source->produce(source, session))
			list_del(&source->link);
	}
}

/* --- greeting and heartbeat --- */

static void say_hello(void *arg)
{
	struct session *session = arg;
	struct wire_hello hello = hello_make();

	hello.xstate_size = hostcpu_xstate_size();
	hello.xcr0 = hostcpu_xcr0();
	hostcpu_features(hello.cpu);
	session->quiet_ticks = 0;
	session_send1(session, W_HELLO, 0, 0, 0, &hello, sizeof(hello));
}

static const char *take_hello(struct session *session, const struct wire_hello *hello)
{
	const char *wrong;

	if (session->up)
		return "a second greeting";
	session->hello = *hello;
	wrong = hello_check(&session->hello);
	if (wrong)
		return wrong;
	if (session->hello.name[0])
		memcpy(session->node.name, session->hello.name, sizeof(session->node.name));
	session->up = true;
	debug("session with %s is up", session_name(session));
	move_session_up(session);
	return NULL;
}

void session_send_clocks(struct session *session)
{
	struct wire_clock clock = hello_clock();

	session_send1(session, W_PING, 0, 0, 0, &clock, sizeof(clock));
}

static void tick(struct alarm *alarm)
{
	struct session *session = container_of(alarm, struct session, ping);
	if (session->lost)
		return;
	/* Counted, not timed: a home that slept itself has not been left without a word. */
	if (++session->quiet_ticks > SESSION_SILENCE_MS / SESSION_PING_MS) {
		session_fail(session,
			     session->up ? "no sign of life for %d s" : "no answer for %d s",
			     SESSION_SILENCE_MS / 1000);
		return;
	}
	if (session->up)
		session_send_clocks(session);
	alarm_set(alarm, MS(SESSION_PING_MS));
}

/* --- what comes in --- */

static const char *take_message(void *arg, const struct wire_hdr *hdr, void *payload)
{
	struct session *session = arg;
	struct wire_text *text = payload;
	struct wire_clock clock;
	const char *wrong;

	if (session->lost)
		return NULL;
	session->quiet_ticks = 0;
	switch (hdr->type) {
	case W_HELLO:
		return take_hello(session, payload);
	case W_REFUSE:
		wrong = wire_check_text(text);
		if (wrong)
			return wrong;
		session_fail(session, "it refuses: %s", text->text);
		return NULL;
	}
	if (!session->up)
		return "it did not greet first";
	switch (hdr->type) {
	case W_PING:
		clock = hello_clock();
		session_send1(session, W_PONG, 0, 0, hdr->id, &clock, sizeof(clock));
		return NULL;
	case W_PONG:
		return NULL;
	case W_LOG:
		wrong = wire_check_text(text);
		if (!wrong)
			debug("%s says: %s", session_name(session), text->text);
		return wrong;
	}
	return dispatch(session, hdr, payload);
}

/* --- the end --- */

static void lose(struct session *session, const char *why)
{
	if (session->lost)
		return;
	session->lost = true;
	if (!session->why[0])
		snprintf(session->why, sizeof(session->why), "%s", why);
	alarm_cancel(&session->ping);
	debug("session with %s is lost: %s", session_name(session), session->why);
}

static void went_down(void *arg, const char *why)
{
	struct session *session = arg;

	if (!session->up && !session->lost)
		snprintf(session->why, sizeof(session->why), "cannot reach it: %s", why);
	lose(session, why);
}

void session_fail(struct session *session, const char *fmt, ...)
{
	char why[WIRE_REASON_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	lose(session, why);
}

static const struct transport_ops ops = {
	.up = say_hello,
	.message = take_message,
	.down = went_down,
};

struct session *session_to(const struct node *node)
{
	struct session *session;
	const char *why = NULL;

	list_for_each_entry(session, &sessions, link)
		if (!session->lost && session->node.port == node->port &&
		    !strcmp(session->node.addr, node->addr))
			return session;
	session = calloc(1, sizeof(*session));
	if (!session)
		deputy_fatal("out of memory");
	session->node = *node;
	if (!session->node.name[0])
		snprintf(session->node.name, sizeof(session->node.name), "%s", node->addr);
	list_init(&session->sources);
	alarm_init(&session->ping, tick);
	list_add_tail(&session->link, &sessions);
	alarm_set(&session->ping, MS(SESSION_PING_MS));
	session->transport = transport_connect(node->addr, node->port, &ops, session, &why);
	if (!session->transport)
		session_fail(session, "cannot reach it: %s", why);
	return session;
}

static void bury(struct session *session)
{
	list_del(&session->link);
	/* All that refers to it lets go of it here. */
	away_session_lost(session, session->why);
	while (!list_empty(&session->sources))
		list_del(session->sources.next);
	if (session->transport)
		transport_close(session->transport);
	free(session);
}

void sessions_run(void)
{
	struct session *session, *next;

	list_for_each_entry_safe(session, next, &sessions, link) {
		if (session->transport && !session->lost) {
			produce_bulk(session);
			transport_flush(session->transport);
		}
		if (session->lost)
			bury(session);
	}
}
