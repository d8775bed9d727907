/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of traced threads, found by pid through a small hash. */
#include "userland/deputy/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/away.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/move.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/why.h"

#define BUCKETS 1024

struct list_head stubs = LIST_HEAD_INIT(stubs);
static struct stub *bucket[BUCKETS];

static struct stub **slot(pid_t pid)
{
	struct stub **p = &bucket[(unsigned)pid % BUCKETS];

	while (*p && (*p)->pid != pid)
		p = &(*p)->hash_next;
	return p;
}

struct stub *stub_find(pid_t pid)
{
	return *slot(pid);
}

struct stub *stub_find_process(pid_t tgid)
{
	struct stub *stub = stub_find(tgid);

	return stub && stub->tgid == tgid ? stub : NULL;
}

struct stub *stub_new(pid_t pid, pid_t tgid)
{
	struct stub *stub = calloc(1, sizeof(*stub));

	if (!stub)
		deputy_fatal("out of memory");
	stub->pid = pid;
	stub->tgid = tgid;
	stub->state = STUB_NEWBORN;
	list_init(&stub->grave);
	list_init(&stub->calls);
	list_init(&stub->held_signals);
	list_init(&stub->sent_signals);
	list_init(&stub->why);
	away_init(stub);
	list_add_tail(&stub->link, &stubs);
	*slot(pid) = stub;
	stub_refresh(stub);
	return stub;
}

void stub_free(struct stub *stub)
{
	struct stub **p = slot(stub->pid);

	if (*p == stub)
		*p = stub->hash_next;
	list_del(&stub->link);
	list_del(&stub->grave);
	move_forget(stub, "the process has ended");
	image_forget(stub);
	image_look_forget(stub);
	home_forget(stub);
	call_forget(stub);
	alarm_cancel(&stub->park);
	alarm_cancel(&stub->hold);
	signal_forget(stub);
	why_free(stub);
	free(stub);
}

void stub_rename(struct stub *stub, pid_t pid)
{
	struct stub **p = slot(stub->pid);

	if (*p == stub)
		*p = stub->hash_next;
	stub->pid = pid;
	stub->hash_next = NULL;
	*slot(pid) = stub;
}

unsigned stub_threads(pid_t tgid)
{
	struct stub *stub;
	unsigned n = 0;

	list_for_each_entry(stub, &stubs, link)
		n += stub->tgid == tgid && !stub->dead;
	return n;
}

const char *stub_state_name(const struct stub *stub)
{
	static const char *const names[] = {
		[STUB_NEWBORN] = "newborn",   [STUB_NATIVE] = "native",
		[STUB_FREEZING] = "freezing", [STUB_LEAVING] = "leaving",
		[STUB_IDLE] = "idle",	      [STUB_PARKED] = "parked",
		[STUB_CALLING] = "calling",   [STUB_RETURNING] = "returning",
		[STUB_DYING] = "dying",
	};

	return names[stub->state];
}

bool stub_away(const struct stub *stub)
{
	return stub->session && stub->state != STUB_NATIVE && stub->state != STUB_FREEZING;
}

void stub_refresh(struct stub *stub)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", stub->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Tgid: %d", &stub->tgid) == 1)
			break;
		if (!strncmp(line, "Name:\t", 6)) {
			line[strcspn(line, "\n")] = 0;
			snprintf(stub->comm, sizeof(stub->comm), "%.15s", line + 6);
		}
	}
	fclose(f);
}
