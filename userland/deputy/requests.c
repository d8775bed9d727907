/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deputy's control socket: ps, why, migrate. */
#include "userland/deputy/requests.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "userland/deputy/baseline.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/move.h"
#include "userland/deputy/procinfo.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/whichnode.h"
#include "userland/deputy/why.h"
#include "userland/lib/control.h"

#define RETRY_MS    10 /* a process that is in the middle of a move is asked again */
#define RETRIES_MAX 60000

static struct control *control;
static struct watch control_watch;

/* A migrate that waits for its turn, or for its end. */
struct migration {
	struct control_conn *conn;
	pid_t pid;
	char where[64];
	struct alarm retry;
	unsigned tries;
	bool came_home; /* the first half of a move from node to node is done */
};

/* --- ps and why --- */

static const char *where_is(const struct process *process, char *buf, size_t size)
{
	const struct stub *stub = process_stub(process);

	if (!process->session || !stub || !stub_away(stub) || stub->state == STUB_LEAVING)
		return "home";
	if (session_number(process->session))
		snprintf(buf, size, "%u", session_number(process->session));
	else
		snprintf(buf, size, "%s", session_name(process->session));
	return buf;
}

/* A parked stub sleeps whatever its thread does: that one runs, as far as home knows. */
static char state_away(const struct process *process)
{
	const struct stub *stub;

	for_each_thread(stub, process)
		if (!stub_ends(stub) && stub->state != STUB_CALLING)
			return 'R';
	return 'S';
}

static void print_process(struct control_conn *conn, const struct process *process)
{
	struct procinfo info;
	char where[64];
	bool away = process_away(process);

	procinfo_read(process->pid, &info);
	if (away && !process->stopped)
		info.state = state_away(process);
	control_print(conn,
		      "proc\tpid=%d\tppid=%d\tnode=%s\tstate=%c\tthreads=%u\tutime_ms=%llu\t"
		      "rss_kb=%llu\tcalls=%llu\tlocal=%llu\tforwarded=%llu\tcomm=%s\tcmd=%s\twhy=%s",
		      process->pid, info.ppid, where_is(process, where, sizeof(where)), info.state,
		      process_threads(process),
		      (unsigned long long)(info.cpu_ms + process->stat.cpu_ns / 1000000),
		      (unsigned long long)(away ? process->stat.rss_pages * 4 : info.rss_kb),
		      (unsigned long long)process->calls_total,
		      (unsigned long long)process->calls_local,
		      (unsigned long long)process->calls_forwarded, info.comm, info.cmd,
		      why_last(process));
}

static void do_ps(struct control_conn *conn, char *line)
{
	int64_t only = control_field_num(line, "pid", 0);
	struct process *process;
	bool any = false;

	list_for_each_entry(process, &processes, link) {
		if (!process_stub(process) || (only && process->pid != only))
			continue;
		print_process(conn, process);
		any = true;
	}
	if (only && !any)
		control_error(conn, "no process %d in this job", (int)only);
	else
		control_ok(conn);
}

static void do_why(struct control_conn *conn, char *line)
{
	struct process *process = process_find((pid_t)control_field_num(line, "pid", 0));
	struct why_event *event;
	uint64_t now = loop_now();
	const uint32_t *cpu;

	if (!process) {
		control_error(conn, "no such process in this job");
		return;
	}
	cpu = baseline_shown(process);
	for (unsigned i = 0; i < WIRE_CPU_WORDS; i++)
		control_print(conn, "cpu\tword=%u\tbits=%u", i, cpu[i]);
	list_for_each_entry(event, &process->why, link)
		control_print(conn, "event\tago_ms=%llu\ttext=%s",
			      (unsigned long long)((now - event->when_ns) / 1000000), event->text);
	if (list_empty(&process->why))
		control_print(conn,
			      "event\tago_ms=0\ttext=at home since it was started; nobody asked "
			      "to move it");
	control_ok(conn);
}

/* --- migrate --- */

static void begin(struct migration *m);

static void migration_free(struct migration *m)
{
	alarm_cancel(&m->retry);
	free(m);
}

static void on_progress(void *arg, const char *text)
{
	struct migration *m = arg;

	control_print(m->conn, "progress\ttext=%s", text);
}

static void on_done(void *arg, const struct move_result *result)
{
	struct migration *m = arg;

	if (result->ok && !strcmp(result->to, "home") && strcmp(m->where, "home") &&
	    !m->came_home) {
		/* From node to node by way of home. */
		m->came_home = true;
		alarm_set(&m->retry, 0);
		return;
	}
	if (result->ok) {
		control_print(
			m->conn, "moved\tfrom=%s\tto=%s\tfrozen_us=%llu\tbytes=%llu\ttook_ms=%llu",
			result->from, result->to, (unsigned long long)(result->frozen_ns / 1000),
			(unsigned long long)result->bytes,
			(unsigned long long)(result->took_ns / 1000000));
		control_ok(m->conn);
	} else {
		control_error(m->conn, "not moved to %s: %s; it stays %s%s", m->where,
			      result->why.text, strcmp(result->from, "home") ? "on " : "at ",
			      result->from);
	}
	migration_free(m);
}

static void give_up(struct migration *m, const char *text)
{
	control_error(m->conn, "%s", text);
	migration_free(m);
}

static void retry(struct alarm *alarm)
{
	struct migration *m = container_of(alarm, struct migration, retry);

	begin(m);
}

/* A process makes one move at a time. */
static void begin(struct migration *m)
{
	struct process *process = process_find(m->pid);
	struct stub *stub = process ? process_stub(process) : NULL;
	const struct move_request request = { on_progress, on_done, m };
	struct session *session;
	struct node node;
	char err[CONTROL_ERR_MAX];

	if (!stub) {
		give_up(m, "no such process in this job");
		return;
	}
	if (process->move || stub->state == STUB_NEWBORN || process->execing) {
		if (control_gone(m->conn) || ++m->tries > RETRIES_MAX) {
			give_up(m, "it is in the middle of another move");
			return;
		}
		if (m->tries == 100)
			on_progress(m, "waiting for its move in progress");
		alarm_set(&m->retry, MS(RETRY_MS));
		return;
	}
	if (!strcmp(m->where, "home")) {
		move_home(m->pid, &request);
		return;
	}
	if (whichnode(m->where, &node, err)) {
		give_up(m, err);
		return;
	}
	session = session_to(&node);
	if (process->session == session && stub_away(stub)) {
		give_up(m, "it runs there already");
		return;
	}
	if (stub_away(stub))
		move_home(m->pid, &request);
	else
		move_out(m->pid, session, &request);
}

static void do_migrate(struct control_conn *conn, char *line)
{
	struct migration *m = calloc(1, sizeof(*m));

	if (!m)
		deputy_fatal("out of memory");
	m->conn = conn;
	m->pid = (pid_t)control_field_num(line, "pid", 0);
	alarm_init(&m->retry, retry);
	if (!control_field(line, "node", m->where, sizeof(m->where)))
		give_up(m, "to which node?");
	else
		begin(m);
}

/* --- the socket --- */

static const struct {
	const char *verb;
	void (*fn)(struct control_conn *conn, char *line);
} verbs[] = {
	{ "ps", do_ps },
	{ "why", do_why },
	{ "migrate", do_migrate },
};

static void on_request(struct control_conn *conn, char *line, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (control_is(line, verbs[i].verb)) {
			verbs[i].fn(conn, line);
			return;
		}
	control_error(conn, "a deputy does not know this request");
}

static void on_control(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	control_run(control);
}

void requests_open(void)
{
	char name[64], err[CONTROL_ERR_MAX];

	snprintf(name, sizeof(name), CONTROL_DEPUTY, getpid());
	control = control_listen(NULL, name, 0, on_request, NULL, err);
	if (!control) {
		deputy_say("this job can be neither listed nor moved: %s", err);
		return;
	}
	control_watch.fd = control_fd(control);
	control_watch.fn = on_control;
	loop_watch(&control_watch, EPOLLIN);
}

void requests_close(void)
{
	if (!control)
		return;
	loop_unwatch(&control_watch);
	control_close(control);
	control = NULL;
}
