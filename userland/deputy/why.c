/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of each process: see why.h. */
#include "userland/deputy/why.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/deputy.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/stub.h"

static void drop_oldest(struct stub *stub)
{
	struct why_event *event = list_first_entry(&stub->why, struct why_event, link);

	list_del(&event->link);
	free(event);
}

void why_add(struct stub *stub, const char *fmt, ...)
{
	char text[512];
	struct why_event *event;
	unsigned n = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	debug("%d (%s): %s", stub->pid, stub->comm, text);
	event = malloc(sizeof(*event) + strlen(text) + 1);
	if (!event)
		return;
	event->when_ns = loop_now();
	strcpy(event->text, text);
	list_add_tail(&event->link, &stub->why);
	list_for_each_entry(event, &stub->why, link)
		n++;
	if (n > WHY_EVENTS_MAX)
		drop_oldest(stub);
}

const char *why_last(const struct stub *stub)
{
	if (list_empty(&stub->why))
		return "";
	return list_last_entry(&stub->why, struct why_event, link)->text;
}

void why_free(struct stub *stub)
{
	while (!list_empty(&stub->why))
		drop_oldest(stub);
}
