/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a process that has just stopped fit to be taken apart, and letting it run on after all. */
#ifndef USERLAND_DEPUTY_FREEZE_H
#define USERLAND_DEPUTY_FREEZE_H

#include "proto/wire.h"

struct process;
struct stub;

/*
 * All its threads are stopped, STUB_LEAVING. Fills their regs and sigmask, blocks signals, leaves the
 * vDSO, maps the agent. 0, or a negative errno with *why set; then freeze_undo() is still to be
 * called.
 */
int freeze_prepare(struct process *process, struct wire_text *why);

/* At any other stop on the way there, before resuming it: any stop uses up a pending interrupt. */
void freeze_insist(struct stub *stub);

/* It runs at home: agent, masks, registers and held signals as they should be; then it is resumed. */
void freeze_undo(struct process *process);

/* Of threads that were told to stop (STUB_FREEZING) some have (STUB_LEAVING): all run on. */
void freeze_cancel(struct process *process);

#endif
