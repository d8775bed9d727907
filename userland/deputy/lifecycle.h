/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The requests of a node one by one: beginning the first of a stub's queue, and ending it. The stub
 * is stopped and STUB_IDLE.
 */
#ifndef USERLAND_DEPUTY_LIFECYCLE_H
#define USERLAND_DEPUTY_LIFECYCLE_H

#include <stdint.h>

struct call;
struct stub;

/*
 * Either does it at once and drops it; or starts it and makes the stub STUB_CALLING, or STUB_DYING. A
 * request that cannot be ends the session.
 */
void lifecycle_begin(struct stub *stub, struct call *call);
/* What was started has returned: answers and drops it. */
void lifecycle_end(struct stub *stub, struct call *call, int64_t ret);
/* A stop of a STUB_DYING; sig 0 for an event. */
void lifecycle_dying_stop(struct stub *stub, int sig);

#endif
