/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about a guest, from the session to whom they concern. */
#ifndef USERLAND_DEPUTY_DISPATCH_H
#define USERLAND_DEPUTY_DISPATCH_H

#include "proto/wire.h"

struct session;

/* NULL, or what is wrong with the message, which then ends the session. */
const char *dispatch(struct session *session, const struct wire_hdr *hdr, void *payload);
/* One whose turn has come (backlog.h). */
const char *dispatch_now(struct session *session, const struct wire_hdr *hdr, void *payload);

#endif
