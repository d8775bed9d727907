/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP socket on which announcements come, in the multicast group on every interface. */
#ifndef USERLAND_MUSTERD_LISTEN_H
#define USERLAND_MUSTERD_LISTEN_H

#include <stdint.h>

/* Returns a non-blocking socket bound to port on all addresses, or a negative errno; err as usual. */
int listen_open(uint16_t port, char *err);

/*
 * Joins group on every multicast interface that is up and not yet joined; interfaces come and go,
 * so this is called again and again. Leaving is the kernel's work.
 */
void listen_join(int fd, const char *group);

#endif
