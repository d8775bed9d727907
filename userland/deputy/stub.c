/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of traced threads, found by pid through a small hash. */
#include "userland/deputy/stub.h"

#include <stdio.h>
#include <stdlib.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/away.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"

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

/* Of which process this thread is. */
static pid_t tgid_of(pid_t pid, pid_t otherwise)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	if (!f)
		return otherwise;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &otherwise) == 1)
			break;
	fclose(f);
	return otherwise;
}

struct stub *stub_new(pid_t pid, pid_t tgid)
{
	struct stub *stub = calloc(1, sizeof(*stub));

	if (!stub)
		deputy_fatal("out of memory");
	tgid = tgid_of(pid, tgid);
	stub->process = process_find(tgid);
	if (!stub->process)
		stub->process = process_new(tgid);
	stub->pid = pid;
	stub->state = STUB_NEWBORN;
	stub->slot = -1;
	list_init(&stub->grave);
	list_init(&stub->calls);
	away_init(stub);
	list_add_tail(&stub->link, &stubs);
	list_add_tail(&stub->mate, &stub->process->threads);
	*slot(pid) = stub;
	return stub;
}

void stub_free(struct stub *stub)
{
	struct process *process = stub->process;
	struct stub **p = slot(stub->pid);

	if (*p == stub)
		*p = stub->hash_next;
	list_del(&stub->link);
	list_del(&stub->grave);
	list_del(&stub->mate);
	call_forget(stub);
	agent_slot_free(stub);
	alarm_cancel(&stub->park);
	alarm_cancel(&stub->hold);
	free(stub);
	if (list_empty(&process->threads))
		process_free(process);
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
	return stub->process->session && stub->state != STUB_NATIVE && stub->state != STUB_FREEZING;
}

bool stub_ends(const struct stub *stub)
{
	return stub->dead || stub->state == STUB_DYING;
}
