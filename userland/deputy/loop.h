/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deputy's event loop: descriptors (epoll) and timers. Single-threaded; every callback runs in
 * the loop and must not block. A callback may remove any watch or timer, its own included.
 */
#ifndef USERLAND_DEPUTY_LOOP_H
#define USERLAND_DEPUTY_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/list.h"

/* One watched descriptor, embedded in its owner. The owner closes fd, after loop_unwatch(). */
struct watch {
	int fd;
	void (*fn)(struct watch *watch, uint32_t events);	/* EPOLLIN, EPOLLOUT, ... */
	bool on;
};

/* One timer, embedded in its owner; it fires once. */
struct alarm {
	struct list_head link;
	uint64_t deadline_ns;
	void (*fn)(struct alarm *alarm);
};

int loop_init(void);
/* Watches fd for events, or changes what it is watched for. Returns 0 or a negative errno. */
int loop_watch(struct watch *watch, uint32_t events);
void loop_unwatch(struct watch *watch);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t loop_now(void);

void alarm_init(struct alarm *alarm, void (*fn)(struct alarm *alarm));
/* Sets it, or sets it anew, to fire in `ns` nanoseconds. */
void alarm_set(struct alarm *alarm, uint64_t ns);
void alarm_cancel(struct alarm *alarm);
bool alarm_pending(const struct alarm *alarm);

/* Waits for the next events and handles them; the caller repeats it while there is work. */
void loop_once(void);

#define MS(x) ((uint64_t)(x) * 1000000u)

#endif
