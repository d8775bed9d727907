/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mps: the processes of this user's deputies, where each runs, and why one stays. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/version.h"
#include "userland/lib/control.h"
#include "userland/lib/eligible.h"
#include "userland/lib/nodes.h"
#include "userland/lib/table_print.h"

const char *argp_program_version = "mps (muster) " MUSTER_VERSION;

static struct {
	bool json;
	long why;	/* a pid; 0: list all */
} opt;

static struct columns *columns;
static unsigned count;
static bool told;
static uint32_t need[WIRE_CPU_WORDS];

static const struct {
	const char *key, *head;
	bool number;
} fields[] = {
	{ "pid", ">PID", true },	{ "ppid", NULL, true },
	{ "node", ">NODE", false },	{ "state", "S", false },
	{ "utime_ms", ">TIME", true },	{ "rss_kb", ">MEMORY", true },
	{ "calls", ">CALLS", true },	{ "local", NULL, true },
	{ "forwarded", NULL, true },	{ "why", NULL, false },
	{ "comm", NULL, false },	{ "cmd", "COMMAND", false },
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

/*
 * A field as it is shown. A process that its deputy traces is in state `t` when it is stopped as
 * any other would be; that is nobody else's business.
 */
static char *shown(const char *line, const char *key, char *buf, size_t size)
{
	char *value = control_field(line, key, buf, size);

	if (value && !strcmp(key, "state") && *value == 't')
		*value = 'T';
	return value;
}

static void print_json(const char *line)
{
	char value[CONTROL_LINE_MAX];
	const char *sep = "";

	printf("%s\n  {", count ? "," : "");
	for (unsigned i = 0; i < NFIELDS; i++) {
		if (!shown(line, fields[i].key, value, sizeof(value)))
			continue;
		printf("%s\"%s\": ", sep, fields[i].key);
		sep = ", ";
		if (fields[i].number)
			printf("%lld", (long long)control_field_num(line, fields[i].key, 0));
		else
			json_string(stdout, value);
	}
	printf("}");
}

static void print_row(const char *line)
{
	char cells[NFIELDS][CONTROL_LINE_MAX];
	const char *row[NFIELDS];
	unsigned n = 0;

	for (unsigned i = 0; i < NFIELDS; i++) {
		if (!fields[i].head)
			continue;
		if (!shown(line, fields[i].key, cells[n], sizeof(cells[n])))
			strcpy(cells[n], "-");
		/* Its command line cannot always be read; its name is always known. */
		if (!*cells[n] && !strcmp(fields[i].key, "cmd") &&
		    !control_field(line, "comm", cells[n], sizeof(cells[n])))
			strcpy(cells[n], "-");
		if (!strcmp(fields[i].key, "utime_ms"))
			human_ms(control_field_num(line, "utime_ms", 0), cells[n], 32);
		if (!strcmp(fields[i].key, "rss_kb"))
			human_bytes(control_field_num(line, "rss_kb", 0) * 1024, cells[n], 32);
		row[n] = cells[n];
		n++;
	}
	columns_row(columns, row);
}

static void proc_line(char *line, void *arg)
{
	(void)arg;
	if (!control_is(line, "proc"))
		return;
	if (opt.json)
		print_json(line);
	else
		print_row(line);
	count++;
}

static void list_deputy(const char *name, pid_t pid, void *arg)
{
	char err[CONTROL_ERR_MAX];
	int rc = control_call(NULL, name, 5000, proc_line, NULL, err, "ps");

	(void)arg;
	/* It may have ended since its socket was seen. */
	if (rc && rc != -EPIPE && rc != -ENOENT && rc != -ECONNREFUSED)
		fprintf(stderr, "mps: deputy %d: %s\n", (int)pid, err);
}

/* Which nodes its CPU features let it go to: as the deputy would judge. */
static void print_eligible(void)
{
	char err[CONTROL_ERR_MAX], why[80];
	struct node *nodes;
	int n = nodes_query(&nodes, err);

	for (int i = 0; i < n; i++) {
		bool ok = cpu_eligible(need, nodes[i].last.cpu, why, sizeof(why));

		printf("%14s  %u %s: %s%s\n", i ? "" : "nodes", nodes[i].number, nodes[i].name,
		       ok ? "eligible" : "not eligible: ", ok ? "" : why);
	}
	if (n < 0)
		fprintf(stderr, "mps: %s\n", err);
	else
		free(nodes);
}

static void why_line(char *line, void *arg)
{
	char text[CONTROL_LINE_MAX], ago[32];
	int64_t word;

	(void)arg;
	if (control_is(line, "cpu")) {
		word = control_field_num(line, "word", -1);
		if (word >= 0 && word < (int64_t)WIRE_CPU_WORDS)
			need[word] = (uint32_t)control_field_num(line, "bits", 0);
		return;
	}
	if (!control_is(line, "event") || !control_field(line, "text", text, sizeof(text)))
		return;
	printf("%10s ago  %s\n",
	       human_ms(control_field_num(line, "ago_ms", 0), ago, sizeof(ago)), text);
	told = true;
}

static void why_deputy(const char *name, pid_t pid, void *arg)
{
	char err[CONTROL_ERR_MAX];

	(void)pid;
	(void)arg;
	if (count || control_call(NULL, name, 5000, NULL, NULL, err, "ps\tpid=%ld", opt.why))
		return;
	count++;
	if (control_call(NULL, name, 5000, why_line, NULL, err, "why\tpid=%ld", opt.why))
		fprintf(stderr, "mps: %ld: %s\n", opt.why, err);
	else if (!told)
		printf("%ld has not moved, and nobody asked it to\n", opt.why);
	print_eligible();
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case 'j':
		opt.json = true;
		return 0;
	case 'w':
		opt.why = strtol(arg, &end, 10);
		if (*end || opt.why <= 0)
			argp_error(state, "%s is not a process id", arg);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no arguments: %s", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "why", 'w', "PID", 0, "tell why process PID stays or came home", 0 },
		{ "json", 'j', NULL, 0, "print JSON: one object per process", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, NULL,
		"Lists your processes under mosrun, with the node each runs on.\v"
		"TIME is CPU time, MEMORY what is resident where it runs, CALLS the system calls that "
		"came home for it.",
		NULL, NULL, NULL
	};
	const char *heads[NFIELDS + 1] = { NULL };
	char err[CONTROL_ERR_MAX];
	unsigned n = 0;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	for (unsigned i = 0; i < NFIELDS; i++)
		if (fields[i].head)
			heads[n++] = fields[i].head;
	columns = columns_new(heads);
	if (opt.json && !opt.why)
		printf("[");
	rc = control_each_deputy(opt.why ? why_deputy : list_deputy, NULL, err);
	if (rc < 0)
		fprintf(stderr, "mps: %s\n", err);
	if (opt.why && !count && rc >= 0)
		fprintf(stderr, "mps: %ld: not under mosrun\n", opt.why);
	if (opt.why)
		return rc < 0 || !count;
	if (opt.json)
		printf("%s]\n", count ? "\n" : "");
	else
		columns_print(columns, stdout);
	return rc < 0;
}
