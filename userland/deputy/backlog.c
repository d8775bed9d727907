/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages that wait for a change of the map: see backlog.h. */
#include "userland/deputy/backlog.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "userland/deputy/away.h"
#include "userland/deputy/call.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/dispatch.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

struct message {
	struct list_head link;
	struct wire_hdr hdr;
	uint8_t payload[];
};

static struct message *first(const struct process *process)
{
	return list_empty(&process->backlog) ?
		       NULL : list_first_entry(&process->backlog, struct message, link);
}

bool backlog_gathers(const struct process *process)
{
	return !process->mapping && first(process) && first(process)->hdr.type == W_IMG_BEGIN;
}

static bool must_wait(struct process *process, const struct wire_hdr *hdr)
{
	if (process->mapping)
		return true;
	return hdr->type == W_IMG_BEGIN && !away_gathered(process);
}

static void drop(struct process *process, struct message *message)
{
	list_del(&message->link);
	process->backlog_bytes -= sizeof(*message) + message->hdr.len;
	free(message);
}

static void go(struct alarm *alarm)
{
	struct process *process = container_of(alarm, struct process, backlog_alarm);
	struct session *session = process->session;
	struct message *message;
	const char *wrong;

	while ((message = first(process)) && process->session == session && session_up(session)) {
		if (must_wait(process, &message->hdr)) {
			if (backlog_gathers(process))
				away_gather(process);
			return;
		}
		list_del(&message->link);
		wrong = dispatch_now(session, &message->hdr, message->payload);
		drop(process, message);
		if (wrong)
			session_fail(session, "it sent %s", wrong);
	}
}

void backlog_init(struct process *process)
{
	list_init(&process->backlog);
	alarm_init(&process->backlog_alarm, go);
}

bool backlog_take(struct process *process, const struct wire_hdr *hdr, const void *payload,
		  const char **wrong)
{
	struct message *message;

	*wrong = NULL;
	if (!first(process) && !must_wait(process, hdr))
		return false;
	message = malloc(sizeof(*message) + hdr->len);
	if (!message)
		deputy_fatal("out of memory");
	message->hdr = *hdr;
	if (hdr->len)
		memcpy(message->payload, payload, hdr->len);
	list_add_tail(&message->link, &process->backlog);
	process->backlog_bytes += sizeof(*message) + hdr->len;
	if (process->backlog_bytes > CALLS_BYTES_MAX)
		*wrong = "more than any program asks";
	if (backlog_gathers(process))
		away_gather(process);
	return true;
}

/* fork(2) copies the map. */
static bool changes_map(const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_fork *fork = payload;
	const struct wire_call *call = payload;

	if (hdr->type == W_FORK)
		return !(fork->flags & CLONE_THREAD);
	if (hdr->type != W_CALL)
		return hdr->type == W_MMAP;
	if (hdr->flags & WF_ONEWAY)
		return true;
	switch (call->nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_brk:
		return true;
	}
	return false;
}

void backlog_after(struct stub *stub, const struct wire_hdr *hdr, const void *payload)
{
	if (call_first(stub) && changes_map(hdr, payload))
		stub->process->mapping = stub;
}

void backlog_go(struct stub *stub)
{
	struct process *process = stub->process;

	if (process->mapping == stub && !call_first(stub))
		process->mapping = NULL;
	if (first(process))
		alarm_set(&process->backlog_alarm, 0);
}

void backlog_forget(struct process *process)
{
	process->mapping = NULL;
	alarm_cancel(&process->backlog_alarm);
	while (first(process))
		drop(process, first(process));
}
