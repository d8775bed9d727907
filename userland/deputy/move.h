/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moves: from the request to the moment when the process runs on the other side, or on where it
 * was. One process makes one move at a time; a second request waits for the first.
 *
 *	asked -> freezing -> leaving -> away		move_out()
 *	asked -> recalled -> returning -> home		move_home()
 */
#ifndef USERLAND_DEPUTY_MOVE_H
#define USERLAND_DEPUTY_MOVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/wire.h"

struct control_conn;
struct session;
struct process;
struct stub;

/* How it went, told once to whoever asked. */
struct move_result {
	bool ok;
	struct wire_text why;	/* if not ok */
	uint64_t frozen_ns;
	uint64_t bytes;		/* that followed in the background */
	uint64_t took_ns;	/* until they had */
	const char *from, *to;
};

struct move_request {
	/* Both may be NULL. progress: what goes on, for people. */
	void (*progress)(void *arg, const char *text);
	void (*done)(void *arg, const struct move_result *result);
	void *arg;
};

/* Moves the process to the session's node. The result comes by request->done, maybe at once. */
void move_out(pid_t pid, struct session *session, const struct move_request *request);
void move_home(pid_t pid, const struct move_request *request);

/* A process stopped in its first execve, or in an execve while away: ship what is there now. */
void move_fresh(struct process *process, struct session *session);

/* A thread told to stop has stopped; or the process will not. */
void move_stopped(struct stub *stub);
void move_cannot(struct process *process, const char *text);
/* Have all its threads been told to stop? Then those that it makes meanwhile stop with them. */
bool move_freezes(const struct process *process);
/* A thread has ended meanwhile: perhaps it was the last to be waited for. */
void move_frozen(struct process *process);

/* --- called by session and away when something happened --- */
void move_session_up(struct session *session);
/* Whoever is on the way to it stays here; other moves that need it have failed. */
void move_session_lost(struct session *session, const char *why);
/* IMG_BEGIN came: the stubs are stopped and ready: STUB_RETURNING. */
void move_returning(struct process *process, const struct wire_image *image);
void move_running(struct process *process);			/* IMG_RUNNING */
void move_refused(struct process *process, const struct wire_text *why);	/* IMG_REFUSED */
void move_done(struct process *process);			/* IMG_DONE */

/*
 * --- called by home.c ---
 * It has put everything into the stubs: their regs and sigmask are what the program goes on with (the
 * extended state and rseq it has set itself). The agent is removed and they run.
 */
void move_came_home(struct process *process);
/* It could not; the node has been told by IMG_REFUSED and runs it on. */
void move_stays_away(struct process *process, const struct wire_text *why);
/* The last page has come: the move is over. */
void move_home_done(struct process *process);

/* The process has ended, or its session is lost: whoever asked is told. */
void move_forget(struct process *process, const char *text);

#endif
