/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mps, migrate and others ask the deputy over its control socket (userland/lib/control.h). */
#ifndef USERLAND_DEPUTY_REQUESTS_H
#define USERLAND_DEPUTY_REQUESTS_H

/* Without a socket the job runs all the same: a message says why it cannot be listed or moved. */
void requests_open(void);
void requests_close(void);

#endif
