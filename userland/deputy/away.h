/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stub while its process is away. Between two requests of the node it is idle, stopped in its
 * agent; soon it is parked in pause(2), because a stopped process would not show signals.
 *
 *	IDLE --work--> CALLING --trap--> IDLE --2 ms--> PARKED --work--> IDLE
 */
#ifndef USERLAND_DEPUTY_AWAY_H
#define USERLAND_DEPUTY_AWAY_H

#include <stdbool.h>
#include <stdint.h>

struct process;
struct session;
struct stub;
struct wire_image;

void away_init(struct stub *stub);

/* The node runs it: from now on requests are served. Its stubs are stopped, the agent mapped. */
void away_begin(struct process *process);

/* Any ptrace stop in these states. */
void away_stop(struct stub *stub, int event, int sig);
/* There is something in its queue. */
void away_work(struct stub *stub);
/* The running call is wanted no more. */
void away_abort(struct stub *stub);

/* Are all its stubs idle, with nothing to do? And: they should become so. */
bool away_gathered(const struct process *process);
void away_gather(struct process *process);
/* IMG_BEGIN came, and they are: the process is on its way home. NULL, or what is wrong with that. */
const char *away_returns(struct process *process, uint32_t id, const struct wire_image *image);

/* A forwarded fork or clone has made this child; then: the child's first stop has come. */
void away_fork(struct stub *parent, struct stub *child);
void away_born(struct stub *child);
/* The node has made the process. */
void away_announced(struct process *child);
/* A forwarded execve has succeeded: the session that the fresh program goes to. */
struct session *away_exec(struct stub *stub);

/* The last of its threads has ended, in whatever state. */
void away_ended(struct process *process);
/* The session is gone: its guests are lost, those on their way out stay here. */
void away_session_lost(struct session *session, const char *why);

#endif
