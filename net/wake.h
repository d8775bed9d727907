/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wakes the network thread; it looks at the cards and at its work list. Any context. */
#ifndef NET_WAKE_H
#define NET_WAKE_H

void net_wake(void);

#endif
