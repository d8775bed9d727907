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

static void drop_oldest(struct process *process)
{
	struct why_event *event = list_first_entry(&process->why, struct why_event, link);

	list_del(&event->link);
	free(event);
}

void why_add(struct process *process, const char *fmt, ...)
{
	char text[512];
	struct why_event *event;
	unsigned n = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	debug("%d (%s): %s", process->pid, process->comm, text);
	event = malloc(sizeof(*event) + strlen(text) + 1);
	if (!event)
		return;
	event->when_ns = loop_now();
	strcpy(event->text, text);
	list_add_tail(&event->link, &process->why);
	list_for_each_entry(event, &process->why, link)
		n++;
	if (n > WHY_EVENTS_MAX)
		drop_oldest(process);
}

const char *why_last(const struct process *process)
{
	if (list_empty(&process->why))
		return "";
	return list_last_entry(&process->why, struct why_event, link)->text;
}

void why_free(struct process *process)
{
	while (!list_empty(&process->why))
		drop_oldest(process);
}
