/* SPDX-License-Identifier: GPL-2.0-or-later */
/* migrate PID NODE|home: asks the deputy that holds PID to move it, and shows how that goes. */
#include <argp.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/nodes.h"
#include "userland/lib/table_print.h"

const char *argp_program_version = "migrate (muster) " MUSTER_VERSION;

static struct {
	bool quiet;
	long pid;
	const char *node;
} opt;

static char deputy[64];	/* the socket of the deputy that has the process */

static void try_deputy(const char *name, pid_t pid, void *arg)
{
	char err[CONTROL_ERR_MAX];

	(void)pid;
	(void)arg;
	if (!*deputy && !control_call(NULL, name, 5000, NULL, NULL, err, "ps\tpid=%ld", opt.pid))
		snprintf(deputy, sizeof(deputy), "%s", name);
}

/* Nobody has it: says which of the possible reasons is true. */
static void explain(void)
{
	struct stat st;
	struct passwd *pw;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld", opt.pid);
	if (stat(path, &st)) {
		fprintf(stderr, "migrate: %ld: there is no such process\n", opt.pid);
		return;
	}
	pw = getpwuid(st.st_uid);
	if (st.st_uid != geteuid() && geteuid())
		fprintf(stderr, "migrate: %ld: not yours, it belongs to %s\n", opt.pid,
			pw ? pw->pw_name : "another user");
	else
		fprintf(stderr,
			"migrate: %ld: not started by mosrun (of this user and "
			"MUSTER_RUNTIME_DIR); `mps` lists those that are\n",
			opt.pid);
}

static void progress(char *line, void *arg)
{
	char text[CONTROL_ERR_MAX], bytes[32], took[32], from[64], to[64];
	int64_t frozen_us, took_ms;

	(void)arg;
	if (control_is(line, "progress") && !opt.quiet &&
	    control_field(line, "text", text, sizeof(text)))
		fprintf(stderr, "migrate: %s\n", text);
	if (!control_is(line, "moved") || opt.quiet)
		return;
	frozen_us = control_field_num(line, "frozen_us", 0);
	took_ms = control_field_num(line, "took_ms", 0);
	if (!control_field(line, "from", from, sizeof(from)))
		strcpy(from, "?");
	if (!control_field(line, "to", to, sizeof(to)))
		snprintf(to, sizeof(to), "%.60s", opt.node);
	human_bytes(control_field_num(line, "bytes", 0), bytes, sizeof(bytes));
	human_ms(took_ms, took, sizeof(took));
	printf("%ld: %s -> %s: frozen %.*f ms, %s followed in %s\n", opt.pid, from, to,
	       frozen_us < 10000, frozen_us / 1000.0, bytes, took);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	char *end;

	switch (key) {
	case 'q':
		opt.quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			errno = 0;
			opt.pid = strtol(arg, &end, 10);
			if (*end || errno || opt.pid <= 0)
				argp_error(state, "%s is not a process id", arg);
		} else if (state->arg_num == 1) {
			opt.node = arg;
			if (!*arg || strpbrk(arg, "\t\n"))
				argp_error(state, "that is not the name of a node");
		} else {
			return ARGP_ERR_UNKNOWN;
		}
		return 0;
	case ARGP_KEY_END:
		if (!opt.node)
			argp_error(state, "which process, and where to?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "quiet", 'q', NULL, 0, "print nothing but errors", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, "PID NODE|home",
		"Moves a process that mosrun started.\v"
		"NODE is a number, a name or an address, as `muster nodes` lists them. Exit status: 0 "
		"it runs there; 1 it was not moved and runs on where it was; 2 wrong usage; 3 no such "
		"process, or not under mosrun, or not yours.",
		NULL, NULL, NULL
	};
	char err[CONTROL_ERR_MAX];
	int rc;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	rc = control_each_deputy(try_deputy, NULL, err);
	if (rc < 0) {
		fprintf(stderr, "migrate: %s\n", err);
		return 1;
	}
	if (!*deputy) {
		explain();
		return 3;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = control_call(NULL, deputy, -1, progress, NULL, err, "migrate\tpid=%ld\tnode=%s",
			  opt.pid, opt.node);
	if (rc == -EPIPE || rc == -ECONNRESET || rc == -ENOENT || rc == -ECONNREFUSED) {
		/* A deputy ends with its last process. */
		fprintf(stderr, "migrate: %ld: it ended before it was moved\n", opt.pid);
		return 3;
	}
	if (rc) {
		fprintf(stderr, "migrate: %ld: %s\n", opt.pid, err);
		return 1;
	}
	return 0;
}
