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
#include "userland/deputy/baseline.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/freeze.h"
#include "userland/deputy/front.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/interrupted.h"
#include "userland/deputy/procinfo.h"
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
	struct process *process;
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

static struct move *move_new(struct process *process, enum kind kind, struct session *session,
			     const struct move_request *request)
{
	struct move *move = calloc(1, sizeof(*move));

	if (!move)
		deputy_fatal("out of memory");
	move->kind = kind;
	move->session = session;
	move->process = process;
	if (request)
		move->request = *request;
	alarm_init(&move->alarm, freeze_timeout);
	move->begun_ns = loop_now();
	snprintf(move->from, sizeof(move->from), "%s",
		 kind == MOVE_HOME ? session_name(session) : HOME);
	snprintf(move->to, sizeof(move->to), "%s",
		 kind == MOVE_HOME ? HOME : session_name(session));
	process->move = move;
	return move;
}

static void progress(struct move *move, const char *text)
{
	if (move->request.progress)
		move->request.progress(move->request.arg, text);
}

/* It is over, well or not: tells whoever asked. */
static void finish(struct process *process, bool ok)
{
	struct move *move = process->move;

	process->move = NULL;
	if (!ok)
		image_look_forget(process);
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
static void stays_home(struct process *process, const struct wire_text *why)
{
	struct move *move = process->move;
	bool fresh = move->kind == MOVE_FRESH;

	move->result.why = *why;
	why_add(process, "stays at home, not moved to %s: %s", move->to, why->text);
	if (fresh) {
		/* A program that replaced a guest by execve: the node still holds that one. */
		session_send1(move->session, W_KILL, 0, (uint32_t)process->pid, 0, NULL, 0);
		if (process->pid == front_main_pid() && !move->request.done)
			deputy_say("%s: %s; %s runs at home", move->to, why->text, process->comm);
	}
	image_forget(process);
	process->session = NULL;
	if (move->prepared)
		freeze_undo(process);
	else
		trace_run_native(process_stub(process));
	finish(process, false);
}

/* Before all of it was frozen. */
static void runs_on(struct process *process, const struct wire_text *why)
{
	why_add(process, "stays at home, not moved to %s: %s", process->move->to, why->text);
	process->move->result.why = *why;
	finish(process, false);
	freeze_cancel(process);
}

void move_cannot(struct process *process, const char *text)
{
	struct wire_text why;

	if (!process->move)
		return;
	wire_text_set(&why, WHY_STATE, "%s", text);
	runs_on(process, &why);
}

/* --- out --- */

/* Does a thread of it still have to stop? */
static bool freezing(const struct process *process)
{
	struct stub *stub;

	for_each_thread(stub, process)
		if (!stub_ends(stub) && (stub->state == STUB_FREEZING || stub->state == STUB_NEWBORN))
			return true;
	return false;
}

static void freeze_timeout(struct alarm *alarm)
{
	struct move *move = container_of(alarm, struct move, alarm);

	if (freezing(move->process))
		move_cannot(move->process,
			    "it does not stop: it waits in the kernel (vfork, or a device)");
}

static void send_image(struct process *process)
{
	struct move *move = process->move;
	struct wire_text why = { 0 };
	int err;

	process->session = move->session;
	err = image_send(process, move->session, move->kind == MOVE_FRESH ? IMG_FRESH : 0, &why);
	if (!process_stub(process))
		return;
	if (err) {
		if (why.code == WHY_NONE)
			wire_text_set(&why, WHY_STATE, "%s", strerror(-err));
		stays_home(process, &why);
		return;
	}
	move->sent = true;
}

static void begin_freeze(struct process *process)
{
	struct move *move = process->move;
	struct wire_text why = { 0 };
	struct stub *stub;

	if (!baseline_eligible(baseline_shown(process), session_node(move->session)->cpu, &why)) {
		runs_on(process, &why);
		return;
	}
	image_look(process);
	move->frozen_since_ns = loop_now();
	alarm_set(&move->alarm, MS(FREEZE_MS));
	for_each_thread(stub, process) {
		if (stub->state != STUB_NATIVE || stub->dead)
			continue;
		interrupted_note(stub);
		stub->state = STUB_FREEZING;
		/* One that ends just now will be told of. */
		ptrace(PTRACE_INTERRUPT, stub->pid, 0, 0);
	}
}

static void prepare_and_send(struct process *process)
{
	struct wire_text why = { 0 };

	alarm_cancel(&process->move->alarm);
	process->move->prepared = true;
	/* The node has told its name by now. */
	snprintf(process->move->to, sizeof(process->move->to), "%s",
		 session_name(process->move->session));
	if (freeze_prepare(process, &why)) {
		if (process_stub(process))
			stays_home(process, &why);
		return;
	}
	send_image(process);
}

void move_stopped(struct stub *stub)
{
	if (!stub->process->move) {
		trace_run_native(stub);
		return;
	}
	stub->state = STUB_LEAVING;
	move_frozen(stub->process);
}

void move_frozen(struct process *process)
{
	struct move *move = process->move;

	if (!move || move->kind != MOVE_OUT || move->prepared || !alarm_pending(&move->alarm) ||
	    freezing(process) || !process_stub(process))
		return;
	prepare_and_send(process);
}

bool move_freezes(const struct process *process)
{
	return process->move && process->move->kind == MOVE_OUT && !process->move->prepared &&
	       alarm_pending(&process->move->alarm);
}

void move_fresh(struct process *process, struct session *session)
{
	/* A move that was under way when the program changed concerns what is no more. */
	if (process->move) {
		wire_text_set(&process->move->result.why, WHY_STATE,
			      "it has executed another program");
		finish(process, false);
	}
	image_look_forget(process);
	move_new(process, MOVE_FRESH, session, NULL)->frozen_since_ns = loop_now();
	process->session = session;
	process_stub(process)->state = STUB_LEAVING;
	if (session_up(session))
		prepare_and_send(process);
}

/* Its leader has ended, and waits for the others: Linux shows nothing of the process by its pid. */
static bool leader_ended(const struct process *process)
{
	struct procinfo info;

	procinfo_read(process->pid, &info);
	return info.state == 'Z' || info.state == 'X';
}

/* NULL, or why this process cannot even begin to move out. */
static const char *cannot_leave(const struct process *process)
{
	struct stub *stub = process_stub(process);

	if (!stub || stub->state != STUB_NATIVE || process->starting)
		return "it is not ready: just starting, or ending";
	if (process->loose)
		return "it changes who it is when executed (set-user-id): untraced at home";
	if (process->shares_vm)
		return "it shares its memory with another process (vfork)";
	for_each_thread(stub, process)
		if (stub->group_stop)
			return "it is stopped by job control: continue it first";
	if (process_stub(process)->pid != process->pid ||
	    (process_threads(process) > 1 && leader_ended(process)))
		return "its first thread has ended before the others";
	return NULL;
}

void move_out(pid_t pid, struct session *session, const struct move_request *request)
{
	struct process *process = process_find(pid);
	const char *not = process ? cannot_leave(process) : "no such process in this job";

	if (not ) {
		request_fails(request, WHY_STATE, not );
		return;
	}
	move_new(process, MOVE_OUT, session, request);
	if (session_up(session)) {
		begin_freeze(process);
	} else {
		char text[80];

		snprintf(text, sizeof(text), "connecting to %s", session_name(session));
		progress(process->move, text);
	}
}

void move_session_up(struct session *session)
{
	struct process *process, *next;

	list_for_each_entry_safe(process, next, &processes, link) {
		struct move *move = process->move;
		const char *not ;

		if (!move || move->session != session || move->sent || !process_stub(process))
			continue;
		if (move->kind == MOVE_FRESH) {
			prepare_and_send(process);
		} else if (move->kind == MOVE_OUT) {
			not = cannot_leave(process);
			if (not )
				move_cannot(process, not );
			else
				begin_freeze(process);
		}
	}
}

void move_session_lost(struct session *session, const char *why)
{
	struct process *process, *next;
	struct wire_text text;

	wire_text_set(&text, WHY_LOST, "%s", why);
	list_for_each_entry_safe(process, next, &processes, link) {
		struct move *move = process->move;

		if (!move || move->session != session || !process_stub(process))
			continue;
		if (move->kind != MOVE_HOME && !move->running &&
		    (move->prepared || move->kind == MOVE_FRESH)) {
			if (move->sent)
				image_abort(process);
			stays_home(process, &text);
		} else if (move->kind == MOVE_OUT && !move->running) {
			move_cannot(process, why);
		} else {
			move->result.why = text;
			finish(process, false);
		}
	}
}

void move_running(struct process *process)
{
	struct move *move = process->move;

	if (!move || !move->sent)
		return;
	move->running = true;
	move->result.frozen_ns = loop_now() - move->frozen_since_ns;
	why_add(process, "%s %s, frozen %llu ms",
		move->kind == MOVE_FRESH ? "started on" : "moved to", move->to,
		(unsigned long long)(move->result.frozen_ns / 1000000));
	image_running(process);
	signal_arrived(process);
	away_begin(process);
}

void move_refused(struct process *process, const struct wire_text *why)
{
	if (!process->move)
		return;
	if (process->move->kind == MOVE_HOME) {
		why_add(process, "stays on %s: %s", process->move->from, why->text);
		process->move->result.why = *why;
		finish(process, false);
		return;
	}
	if (process->move->running)
		return;
	image_abort(process);
	stays_home(process, why);
}

void move_done(struct process *process)
{
	struct move *move = process->move;
	struct stub *stub;
	char size[32];

	if (move && move->kind != MOVE_HOME && move->running) {
		move->result.bytes = image_bytes(process);
		if (move->kind == MOVE_OUT)
			why_add(process, "%s followed to %s",
				size_text(move->result.bytes, size, sizeof(size)), move->to);
		finish(process, true);
	}
	image_done(process);
	/* A program that asks nothing of home would keep its memory here, and pay for it coming back. */
	stub = image_idler(process);
	if (stub)
		away_work(stub);
	if (process_away(process) && !process->move && image_misjudged(process))
		move_home(process->pid, NULL);
}

/* --- home --- */

void move_home(pid_t pid, const struct move_request *request)
{
	struct process *process = process_find(pid);
	struct wire_text text;

	if (!process || !process_away(process)) {
		request_fails(request, WHY_STATE,
			      process ? "it runs at home already" : "no such process in this job");
		return;
	}
	move_new(process, MOVE_HOME, process->session, request);
	wire_text_set(&text, WHY_ASKED, "asked for");
	session_send1(process->session, W_RECALL, 0, (uint32_t)process->pid, 0, &text, sizeof(text));
	if (process->stopped)
		progress(process->move, "it is stopped by job control: it comes when it is continued");
}

void move_returning(struct process *process, const struct wire_image *image)
{
	/* The node sends it home before all of it was there: the move out is over, and was well. */
	if (process->move && process->move->kind != MOVE_HOME) {
		process->move->result.bytes = image_bytes(process);
		finish(process, true);
	}
	if (!process->move)
		move_new(process, MOVE_HOME, process->session, NULL);
	process->move->sent = true;
	process->move->frozen_since_ns = loop_now();
	process->move->result.why = image->why;
}

void move_came_home(struct process *process)
{
	struct move *move = process->move;

	if (move) {
		move->running = true;
		move->result.frozen_ns = loop_now() - move->frozen_since_ns;
		why_add(process, "came home from %s: %s", move->from, move->result.why.text);
	}
	image_forget(process);
	memset(&process->stat, 0, sizeof(process->stat));
	freeze_undo(process);
}

void move_stays_away(struct process *process, const struct wire_text *why)
{
	if (process->move) {
		why_add(process, "stays on %s: %s", process->move->from, why->text);
		process->move->result.why = *why;
		finish(process, false);
	}
	away_begin(process);
}

void move_home_done(struct process *process)
{
	struct move *move = process->move;

	if (move && move->kind == MOVE_HOME) {
		move->result.bytes = home_bytes(process);
		finish(process, true);
	}
	process->session = NULL;
}

void move_forget(struct process *process, const char *text)
{
	if (!process->move)
		return;
	wire_text_set(&process->move->result.why, WHY_STATE, "%s", text);
	finish(process, process->move->running);
}
