/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mosrun: runs a command so that its processes can move to nodes; see userland/deputy. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/version.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/front.h"
#include "userland/deputy/whichnode.h"
#include "userland/lib/control.h"
#include "userland/lib/eligible.h"

const char *argp_program_version = "mosrun (muster) " MUSTER_VERSION;

static const char doc[] =
	"Run COMMAND so that its processes can move to nodes.\v"
	"COMMAND starts at home unless --node is given; `migrate PID NODE` moves its processes later, "
	"`mps` lists them. Its files, terminal, pid and children stay here wherever it runs. If the "
	"node cannot take it, it runs at home and a message says why.\n\n"
	"mosrun exits as COMMAND does: with its exit status, or by the signal that killed it; or with "
	"127 if COMMAND was not found, 126 if it cannot be executed, 125 if mosrun itself failed (no "
	"such node, for example).";

static const struct argp_option options[] = {
	{ "node", 'n', "NODE", 0,
	  "Start it on this node: number, name, or address with or without `:PORT`", 0 },
	{ "baseline", 'b', NULL, 0,
	  "Show it only the CPU features that home and all nodes heard have, so that it can run on each", 0 },
	{ "home", 'h', NULL, 0, "Start it at home (the default)", 0 },
	{ 0 }
};

struct arguments {
	const char *node;
	bool baseline;
	char **command;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case 'n':
		args->node = arg;
		return 0;
	case 'b':
		args->baseline = true;
		return 0;
	case 'h':
		args->node = NULL;
		return 0;
	case ARGP_KEY_ARG:
		/* The first word that is no option is the command; the rest is its own. */
		args->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static int common_features(struct job *job, char *err)
{
	struct node *nodes;
	int count = nodes_query(&nodes, err);

	if (count < 0)
		return -1;
	cpu_common(nodes, count, job->cpu);
	job->baseline = true;
	free(nodes);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "COMMAND [ARG...]", doc, NULL, NULL, NULL
	};
	struct arguments args = { 0 };
	char err[CONTROL_ERR_MAX];
	struct job job = { 0 };

	argp_err_exit_status = MOSRUN_EXIT_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &args);
	job.argv = args.command;
	if (args.node) {
		if (whichnode(args.node, &job.node, err)) {
			fprintf(stderr, "mosrun: %s\n", err);
			return MOSRUN_EXIT_FAILED;
		}
		job.place = true;
	}
	if (args.baseline && common_features(&job, err)) {
		fprintf(stderr, "mosrun: %s\n", err);
		return MOSRUN_EXIT_FAILED;
	}
	front_run(&job);
}
