/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order between the threads of a process. Each thread's requests wait in its own stub's queue,
 * and the queues go on side by side. But a change of the map concerns all: until it is done, what
 * the node says of the process waits here. So does an image on its way home, until all stubs are idle.
 */
#ifndef USERLAND_DEPUTY_BACKLOG_H
#define USERLAND_DEPUTY_BACKLOG_H

#include <stdbool.h>

#include "proto/wire.h"

struct process;
struct session;
struct stub;

void backlog_init(struct process *process);

/* Must this message wait? Then it has been taken. *wrong: what is wrong with that, or NULL. */
bool backlog_take(struct process *process, const struct wire_hdr *hdr, const void *payload,
		  const char **wrong);

/* This request of the stub's was queued, or done at once: those after it may have to wait. */
void backlog_after(struct stub *stub, const struct wire_hdr *hdr, const void *payload);

/* The stub has nothing more to do, is idle, or has ended: perhaps what waits need wait no longer. */
void backlog_go(struct stub *stub);

/* An image is waiting for the stubs: they should become idle, and stay so. */
bool backlog_gathers(const struct process *process);

void backlog_forget(struct process *process);

#endif
