/* SPDX-License-Identifier: GPL-2.0-or-later */
/* muster: one name for all tools. `muster ps` runs mps, which stands beside this program. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/version.h"
#include "userland/lib/programs.h"

static const struct {
	const char *name, *program, *what;
} commands[] = {
	{ "nodes", "muster-nodes", "list the nodes that are heard" },
	{ "run", "mosrun", "run a command whose processes can move" },
	{ "migrate", "migrate", "move a running process to a node, or home" },
	{ "ps", "mps", "list processes and where they run; why one stays" },
	{ "ctl", "mosctl", "give orders to nodes: accept, expel, poweroff, wake..." },
	{ "emulate", "muster-emulate", "start nodes in QEMU and run a command with them" },
	{ "netboot", "muster-netboot", "start diskless machines as nodes over the network" },
	{ "daemon", "musterd", "hear the nodes (started by the others when needed)" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fprintf(out, "Usage: muster COMMAND [ARG...]\n"
		     "Spare PCs as extra processors of this machine.\n\n");
	for (unsigned i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-9s %-15s %s\n", commands[i].name, commands[i].program,
			commands[i].what);
	fprintf(out, "\nThe second column is the same command by its own name. `muster help COMMAND`, "
		     "or its\nman page, tells more.\n");
}

static const char *find(const char *name)
{
	for (unsigned i = 0; i < NCOMMANDS; i++)
		if (!strcmp(name, commands[i].name) || !strcmp(name, commands[i].program))
			return commands[i].program;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *cmd = argc > 1 ? argv[1] : NULL, *program;
	char path[PATH_MAX];
	char *help[] = { NULL, "--help", NULL };

	if (!cmd) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(cmd, "--version") || !strcmp(cmd, "-V")) {
		puts("muster " MUSTER_VERSION);
		return 0;
	}
	if (!strcmp(cmd, "help") || !strcmp(cmd, "--help") || !strcmp(cmd, "-h") ||
	    !strcmp(cmd, "-?")) {
		if (argc < 3) {
			usage(stdout);
			return 0;
		}
		cmd = argv[2];
		argv = help - 1;
	}
	program = find(cmd);
	if (!program) {
		fprintf(stderr, "muster: there is no command %s; `muster help` lists them\n", cmd);
		return 2;
	}
	argv++;
	argv[0] = (char *)program;
	execvp(program_path(program, path, sizeof(path)), argv);
	fprintf(stderr, "muster: %s: %s\n", path, strerror(errno));
	return 127;
}
