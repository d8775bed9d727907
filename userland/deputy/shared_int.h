/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between shared.c and shared_file.c. */
#ifndef DEPUTY_SHARED_INT_H
#define DEPUTY_SHARED_INT_H

#include <stdint.h>

#include "proto/wire.h"

struct session;

/* Writes changed pages, no further than the file goes. 0 or -errno. */
int64_t shared_file_put(struct session *session, const struct wire_put *put, const void *pages);

#endif
