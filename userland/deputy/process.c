/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of processes: see process.h. */
#include "userland/deputy/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/move.h"
#include "userland/deputy/signals.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/why.h"

struct list_head processes = LIST_HEAD_INIT(processes);

struct process *process_find(pid_t pid)
{
	struct process *process;

	list_for_each_entry(process, &processes, link)
		if (process->pid == pid)
			return process;
	return NULL;
}

struct process *process_new(pid_t pid)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		deputy_fatal("out of memory");
	process->pid = pid;
	list_init(&process->threads);
	list_init(&process->held_signals);
	list_init(&process->sent_signals);
	list_init(&process->exec_signals);
	list_init(&process->why);
	backlog_init(process);
	list_add_tail(&process->link, &processes);
	process_refresh(process);
	return process;
}

void process_free(struct process *process)
{
	list_del(&process->link);
	backlog_forget(process);
	move_forget(process, "the process has ended");
	image_forget(process);
	image_look_forget(process);
	home_forget(process);
	agent_gone(process);
	signal_forget(process);
	why_free(process);
	free(process);
}

struct stub *process_stub(const struct process *process)
{
	struct stub *stub, *newborn = NULL;

	for_each_thread(stub, process) {
		if (stub_ends(stub))
			continue;
		if (stub->state != STUB_NEWBORN)
			return stub;
		if (!newborn)
			newborn = stub;
	}
	return newborn;
}

pid_t process_live_pid(const struct process *process)
{
	const struct stub *stub = process_stub(process);

	return stub ? stub->pid : process->pid;
}

unsigned process_threads(const struct process *process)
{
	struct stub *stub;
	unsigned n = 0;

	for_each_thread(stub, process)
		n += !stub_ends(stub);
	return n;
}

uint64_t process_held(const struct process *process)
{
	const struct stub *stub;
	uint64_t set = ~UINT64_C(0);

	for_each_thread(stub, process)
		set &= stub_ends(stub) ? ~UINT64_C(0) : stub->held_mask;
	return set;
}

bool process_away(const struct process *process)
{
	struct stub *stub = process_stub(process);

	return stub && stub_away(stub);
}

void process_refresh(struct process *process)
{
	char path[64], name[sizeof(process->comm)];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", process->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, sizeof(name), f)) {
		name[strcspn(name, "\n")] = 0;
		memcpy(process->comm, name, sizeof(process->comm));
	}
	fclose(f);
}
