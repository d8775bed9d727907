/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wake-on-LAN: the "magic packet" that a sleeping card looks for. */
#ifndef USERLAND_LIB_WAKE_H
#define USERLAND_LIB_WAKE_H

#include <stdint.h>

/*
 * Sends it by UDP, to ports 9 and 7, to everybody on each network that this machine is on; and, if
 * addr is not NULL, to that address, for routers that pass it on. Returns to how many places it
 * went, or a negative errno with err (CONTROL_ERR_MAX bytes) filled if to none.
 */
int wake_send(const uint8_t mac[6], const char *addr, char *err);

#endif
