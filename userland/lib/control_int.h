/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two halves of the control library share and nobody else needs. */
#ifndef USERLAND_LIB_CONTROL_INT_H
#define USERLAND_LIB_CONTROL_INT_H

#include <sys/un.h>

/* Returns a descriptor to close after bind() or connect(), or a negative errno with err filled. */
int control_address(const char *dir, const char *name, struct sockaddr_un *sun, char *err);

#endif
