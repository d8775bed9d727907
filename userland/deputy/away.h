/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stub while its process is away. Between two requests of the node it is idle, stopped in its
 * agent; soon it is parked in pause(2), because a stopped process would not show signals.
 *
 *	IDLE --work--> CALLING --trap--> IDLE --2 ms--> PARKED --work--> IDLE
 */
#ifndef USERLAND_DEPUTY_AWAY_H
#define USERLAND_DEPUTY_AWAY_H

struct session;
struct stub;

void away_init(struct stub *stub);

/* The node runs it: from now on requests are served. The stub is stopped, its agent mapped. */
void away_begin(struct stub *stub);

/* Any ptrace stop in these states. */
void away_stop(struct stub *stub, int event, int sig);
/* There is something in its queue. */
void away_work(struct stub *stub);
/* The running call is wanted no more. */
void away_abort(struct stub *stub);

/* A forwarded fork has made this child; then: the child's first stop has come. */
void away_fork(struct stub *parent, struct stub *child);
void away_born(struct stub *child);
/* The node has made it. */
void away_announced(struct stub *child);
/* A forwarded execve has succeeded: the session that the fresh program goes to. */
struct session *away_exec(struct stub *stub);

/* It has ended, in whatever state. */
void away_ended(struct stub *stub);
/* The session is gone: its guests are lost, those on their way out stay here. */
void away_session_lost(struct session *session, const char *why);

#endif
