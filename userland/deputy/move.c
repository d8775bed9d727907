/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves, step by step: see move.h. A move commits when the other side says IMG_RUNNING. */
#include "userland/deputy/move.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "userland/deputy/away.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/freeze.h"
#include "userland/deputy/front.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/interrupted.h"
#include "userland/deputy/session.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/trace.h"
#include "userland/deputy/why.h"

#define FREEZE_MS 3000 /* a process that does not stop for so long is stuck in the kernel */
#define HOME	  "home"

enum kind {
	MOVE_OUT,
	MOVE_FRESH, /* out, a program that has just been executed */
	MOVE_HOME,
};

struct move {
	enum kind kind;
	struct session *session; /* the node: where to, or where from */
	bool prepared;		 /* frozen, not just stopped */
	bool sent;		 /* the image is on its way */
	bool running;		 /* the other side runs it; pages follow */
	struct move_request request;
	struct alarm alarm;
	uint64_t begun_ns, frozen_since_ns;
	struct stub *stub;
	struct move_result result;
	char from[WIRE_NAME_MAX], to[WIRE_NAME_MAX];
};

static void freeze_timeout(struct alarm *alarm);

/* --- the result --- */

/* 212 MB, 4 kB: for people. */
static const char *size_text(uint64_t bytes, char *buf, size_t size)
{
	if (bytes >= 10u << 20)
		snprintf(buf, size, "%llu MB", (unsigned long long)(bytes >> 20));
	else
		snprintf(buf, size, "%llu kB", (unsigned long long)(bytes >> 10));
	return buf;
}

static struct move *move_new(struct stub *stub, enum kind kind, struct session *session,
			     const struct move_request *request)
{
	struct move *move = calloc(1, sizeof(*move));

	if (!move)
		deputy_fatal("out of memory");
	move->kind = kind;
	move->session = session;
	move->stub = stub;
	if (request)
		move->request = *request;
	alarm_init(&move->alarm, freeze_timeout);
	move->begun_ns = loop_now();
	snprintf(move->from, sizeof(move->from), "%s",
		 kind == MOVE_HOME ? session_name(session) : HOME);
	snprintf(move->to, sizeof(move->to), "%s",
		 kind == MOVE_HOME ? HOME : session_name(session));
	stub->move = move;
	return move;
}

static void progress(struct move *move, const char *text)
{
	if (move->request.progress)
		move->request.progress(move->request.arg, text);
}

/* It is over, well or not: tells whoever asked. */
static void finish(struct stub *stub, bool ok)
{
	struct move *move = stub->move;

	stub->move = NULL;
	if (!ok)
		image_look_forget(stub);
	alarm_cancel(&move->alarm);
	move->result.ok = ok;
	move->result.took_ns = loop_now() - move->begun_ns;
	move->result.from = move->from;
	move->result.to = move->to;
	if (move->request.done)
		move->request.done(move->request.arg, &move->result);
	free(move);
}

static void request_fails(const struct move_request *request, enum wire_reason code,
			  const char *text)
{
	struct move_result result = { .from = HOME, .to = HOME };

	wire_text_set(&result.why, code, "%s", text);
	if (request->done)
		request->done(request->arg, &result);
}

/* Nothing came of a move out: the process runs on at home. */
static void stays_home(struct stub *stub, const struct wire_text *why)
{
	struct move *move = stub->move;
	bool fresh = move->kind == MOVE_FRESH;

	move->result.why = *why;
	why_add(stub, "stays at home, not moved to %s: %s", move->to, why->text);
	if (fresh) {
		/* A program that replaced a guest by execve: the node still holds that one. */
		session_send1(move->session, W_KILL, 0, (uint32_t)stub->pid, 0, NULL, 0);
		if (stub->pid == front_main_pid() && !move->request.done)
			deputy_say("%s: %s; %s runs at home", move->to, why->text, stub->comm);
	}
	image_forget(stub);
	stub->session = NULL;
	if (move->prepared)
		freeze_undo(stub);
	else
		trace_run_native(stub);
	finish(stub, false);
}

void move_cannot(struct stub *stub, const char *text)
{
	struct wire_text why;

	if (!stub->move)
		return;
	wire_text_set(&why, WHY_STATE, "%s", text);
	if (stub->state == STUB_FREEZING)
		stub->state = STUB_NATIVE;
	why_add(stub, "stays at home, not moved to %s: %s", stub->move->to, text);
	stub->move->result.why = why;
	finish(stub, false);
}

/* --- out --- */

static void freeze_timeout(struct alarm *alarm)
{
	struct move *move = container_of(alarm, struct move, alarm);

	if (move->stub->state == STUB_FREEZING)
		move_cannot(move->stub,
			    "it does not stop: it waits in the kernel (vfork, or a device)");
}

static void send_image(struct stub *stub)
{
	struct move *move = stub->move;
	struct wire_text why = { 0 };
	int err;

	stub->session = move->session;
	err = image_send(stub, move->session, move->kind == MOVE_FRESH ? IMG_FRESH : 0, &why);
	if (stub->dead)
		return;
	if (err) {
		if (why.code == WHY_NONE)
			wire_text_set(&why, WHY_STATE, "%s", strerror(-err));
		stays_home(stub, &why);
		return;
	}
	move->sent = true;
}

static void begin_freeze(struct stub *stub)
{
	struct move *move = stub->move;

	image_look(stub);
	interrupted_note(stub);
	move->frozen_since_ns = loop_now();
	stub->state = STUB_FREEZING;
	alarm_set(&move->alarm, MS(FREEZE_MS));
	if (ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0))
		move_cannot(stub, "it has ended");
}

static void prepare_and_send(struct stub *stub)
{
	struct wire_text why = { 0 };

	alarm_cancel(&stub->move->alarm);
	stub->move->prepared = true;
	stub->state = STUB_LEAVING;
	/* The node has told its name by now. */
	snprintf(stub->move->to, sizeof(stub->move->to), "%s", session_name(stub->move->session));
	if (freeze_prepare(stub, &why)) {
		if (!stub->dead)
			stays_home(stub, &why);
		return;
	}
	send_image(stub);
}

void move_stopped(struct stub *stub)
{
	if (!stub->move) {
		trace_run_native(stub);
		return;
	}
	stub->move->frozen_since_ns = loop_now();
	prepare_and_send(stub);
}

void move_fresh(struct stub *stub, struct session *session)
{
	/* A move that was under way when the program changed concerns what is no more. */
	if (stub->move) {
		wire_text_set(&stub->move->result.why, WHY_STATE,
			      "it has executed another program");
		finish(stub, false);
	}
	image_look_forget(stub);
	move_new(stub, MOVE_FRESH, session, NULL)->frozen_since_ns = loop_now();
	stub->session = session;
	stub->state = STUB_LEAVING;
	if (session_up(session))
		prepare_and_send(stub);
}

/* NULL, or why this process cannot even begin to move out. */
static const char *cannot_leave(const struct stub *stub)
{
	if (stub_threads(stub->tgid) > 1)
		return "it has several threads, which cannot move yet";
	if (stub->shares_vm)
		return "it shares its memory with another process (vfork)";
	if (stub->group_stop)
		return "it is stopped by job control: continue it first";
	if (stub->state != STUB_NATIVE || stub->starting)
		return "it is not ready: just starting, or ending";
	return NULL;
}

void move_out(pid_t pid, struct session *session, const struct move_request *request)
{
	struct stub *stub = stub_find_process(pid);
	const char *not = stub ? cannot_leave(stub) : "no such process in this job";

	if (not ) {
		request_fails(request, WHY_STATE, not );
		return;
	}
	move_new(stub, MOVE_OUT, session, request);
	if (session_up(session)) {
		begin_freeze(stub);
	} else {
		char text[80];

		snprintf(text, sizeof(text), "connecting to %s", session_name(session));
		progress(stub->move, text);
	}
}

void move_session_up(struct session *session)
{
	struct stub *stub, *next;

	list_for_each_entry_safe(stub, next, &stubs, link) {
		if (!stub->move || stub->move->session != session || stub->move->sent || stub->dead)
			continue;
		if (stub->move->kind == MOVE_FRESH)
			prepare_and_send(stub);
		else if (stub->move->kind == MOVE_OUT && stub->state == STUB_NATIVE)
			begin_freeze(stub);
	}
}

void move_session_lost(struct session *session, const char *why)
{
	struct stub *stub, *next;
	struct wire_text text;

	wire_text_set(&text, WHY_LOST, "%s", why);
	list_for_each_entry_safe(stub, next, &stubs, link) {
		struct move *move = stub->move;

		if (!move || move->session != session || stub->dead)
			continue;
		if (move->kind != MOVE_HOME && !move->running && stub->state == STUB_LEAVING) {
			if (move->sent)
				image_abort(stub);
			stays_home(stub, &text);
		} else if (move->kind == MOVE_OUT && !move->running) {
			move_cannot(stub, why);
		} else {
			move->result.why = text;
			finish(stub, false);
		}
	}
}

void move_running(struct stub *stub)
{
	struct move *move = stub->move;

	if (!move || !move->sent)
		return;
	move->running = true;
	move->result.frozen_ns = loop_now() - move->frozen_since_ns;
	why_add(stub, "%s %s, frozen %llu ms", move->kind == MOVE_FRESH ? "started on" : "moved to",
		move->to, (unsigned long long)(move->result.frozen_ns / 1000000));
	image_running(stub);
	signal_arrived(stub);
	if (!stub->dead)
		away_begin(stub);
}

void move_refused(struct stub *stub, const struct wire_text *why)
{
	if (!stub->move)
		return;
	if (stub->move->kind == MOVE_HOME) {
		why_add(stub, "stays on %s: %s", stub->move->from, why->text);
		stub->move->result.why = *why;
		finish(stub, false);
		return;
	}
	if (stub->state != STUB_LEAVING)
		return;
	image_abort(stub);
	stays_home(stub, why);
}

void move_done(struct stub *stub)
{
	struct move *move = stub->move;
	char size[32];

	if (move && move->kind != MOVE_HOME && move->running) {
		move->result.bytes = image_bytes(stub);
		if (move->kind == MOVE_OUT)
			why_add(stub, "%s followed to %s",
				size_text(move->result.bytes, size, sizeof(size)), move->to);
		finish(stub, true);
	}
	image_done(stub);
	/* A program that asks nothing of home would keep its memory here, and pay for it coming back. */
	if (image_wants_idle(stub))
		away_work(stub);
	if (stub_away(stub) && !stub->move && image_misjudged(stub))
		move_home(stub->pid, NULL);
}

/* --- home --- */

void move_home(pid_t pid, const struct move_request *request)
{
	struct stub *stub = stub_find_process(pid);
	struct wire_text text;

	if (!stub || !stub_away(stub)) {
		request_fails(request, WHY_STATE,
			      stub ? "it runs at home already" : "no such process in this job");
		return;
	}
	move_new(stub, MOVE_HOME, stub->session, request);
	wire_text_set(&text, WHY_ASKED, "asked for");
	session_send1(stub->session, W_RECALL, 0, (uint32_t)stub->pid, 0, &text, sizeof(text));
	if (stub->group_stop)
		progress(stub->move, "it is stopped by job control: it comes when it is continued");
}

void move_returning(struct stub *stub, const struct wire_image *image)
{
	/* The node sends it home before all of it was there: the move out is over, and was well. */
	if (stub->move && stub->move->kind != MOVE_HOME) {
		stub->move->result.bytes = image_bytes(stub);
		finish(stub, true);
	}
	if (!stub->move)
		move_new(stub, MOVE_HOME, stub->session, NULL);
	stub->move->sent = true;
	stub->move->frozen_since_ns = loop_now();
	stub->move->result.why = image->why;
}

void move_came_home(struct stub *stub)
{
	struct move *move = stub->move;

	if (move) {
		move->running = true;
		move->result.frozen_ns = loop_now() - move->frozen_since_ns;
		why_add(stub, "came home from %s: %s", move->from, move->result.why.text);
	}
	image_forget(stub);
	memset(&stub->stat, 0, sizeof(stub->stat));
	freeze_undo(stub);
}

void move_stays_away(struct stub *stub, const struct wire_text *why)
{
	if (stub->move) {
		why_add(stub, "stays on %s: %s", stub->move->from, why->text);
		stub->move->result.why = *why;
		finish(stub, false);
	}
	if (!stub->dead)
		away_begin(stub);
}

void move_home_done(struct stub *stub)
{
	struct move *move = stub->move;

	if (move && move->kind == MOVE_HOME) {
		move->result.bytes = home_bytes(stub);
		finish(stub, true);
	}
	stub->session = NULL;
}

void move_forget(struct stub *stub, const char *text)
{
	if (!stub->move)
		return;
	wire_text_set(&stub->move->result.why, WHY_STATE, "%s", text);
	finish(stub, stub->move->running);
}
