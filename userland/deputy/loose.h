/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that change who they are when they are executed (set-user-id, set-group-id, file
 * capabilities). Linux does not let them while an ordinary user traces them. So such a program is let
 * go, and executes itself once more: it runs at home, untraced, and its children with it.
 */
#ifndef USERLAND_DEPUTY_LOOSE_H
#define USERLAND_DEPUTY_LOOSE_H

#include <stdbool.h>

struct stub;

/*
 * The stub stands at PTRACE_EVENT_EXEC. Has tracing taken its new identity away? Then this is why, for
 * people; else NULL.
 */
const char *loose_reason(struct stub *stub);

/*
 * Lets it go, from the end of its execve. False if that cannot be done: it is as it was. Otherwise
 * its struct stays in the table until it ends, for ps.
 */
bool loose_let_go(struct stub *stub, const char *reason);

#endif
