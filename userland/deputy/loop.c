/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop: one epoll descriptor, one sorted list of timers. */
#include "userland/deputy/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 64

static int epoll_fd = -1;
static struct list_head alarms = LIST_HEAD_INIT(alarms); /* by deadline */

/* The batch being handled: a watch removed by a callback must not be called any more. */
static struct epoll_event batch[EVENTS];
static int batch_len, batch_pos;

int loop_init(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return epoll_fd < 0 ? -errno : 0;
}

int loop_watch(struct watch *watch, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = watch };

	if (epoll_ctl(epoll_fd, watch->on ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &ev))
		return -errno;
	watch->on = true;
	return 0;
}

void loop_unwatch(struct watch *watch)
{
	if (!watch->on)
		return;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->on = false;
	for (int i = batch_pos; i < batch_len; i++)
		if (batch[i].data.ptr == watch)
			batch[i].data.ptr = NULL;
}

uint64_t loop_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void alarm_init(struct alarm *alarm, void (*fn)(struct alarm *alarm))
{
	list_init(&alarm->link);
	alarm->deadline_ns = 0;
	alarm->fn = fn;
}

void alarm_set(struct alarm *alarm, uint64_t ns)
{
	struct alarm *other;

	list_del(&alarm->link);
	alarm->deadline_ns = loop_now() + ns;
	list_for_each_entry(other, &alarms, link)
		if (other->deadline_ns > alarm->deadline_ns)
			break;
	/* Before `other`, which is the list's head if none is later. */
	list_add_tail(&alarm->link, &other->link);
}

void alarm_cancel(struct alarm *alarm)
{
	list_del(&alarm->link);
}

bool alarm_pending(const struct alarm *alarm)
{
	return !list_empty(&alarm->link);
}

/* Milliseconds until the first timer, rounded up; -1 if there is none. */
static int next_timeout(void)
{
	uint64_t now, at;

	if (list_empty(&alarms))
		return -1;
	at = list_first_entry(&alarms, struct alarm, link)->deadline_ns;
	now = loop_now();
	if (at <= now)
		return 0;
	at = (at - now + 999999) / 1000000;
	return at > 60000 ? 60000 : (int)at;
}

void loop_once(void)
{
	uint64_t now;

	batch_len = epoll_wait(epoll_fd, batch, EVENTS, next_timeout());
	for (batch_pos = 0; batch_pos < batch_len;) {
		struct watch *watch = batch[batch_pos].data.ptr;
		uint32_t events = batch[batch_pos++].events;

		if (watch)
			watch->fn(watch, events);
	}
	batch_len = 0;

	now = loop_now();
	while (!list_empty(&alarms)) {
		struct alarm *alarm = list_first_entry(&alarms, struct alarm, link);

		if (alarm->deadline_ns > now)
			break;
		list_del(&alarm->link);
		alarm->fn(alarm);
	}
}
