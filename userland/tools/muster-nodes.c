/* SPDX-License-Identifier: GPL-2.0-or-later */
/* muster nodes: what musterd hears, as a table or as JSON. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "userland/lib/control.h"
#include "userland/lib/eligible.h"
#include "userland/lib/nodes.h"
#include "userland/lib/table_print.h"

const char *argp_program_version = "muster nodes (muster) " MUSTER_VERSION;

static bool json;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 'j')
		json = true;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "takes no arguments: %s", arg);
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

/* May programs that start at home run there? "yes", or what is in the way. */
static const char *takes(const struct node *node, char *why, size_t size)
{
	uint32_t usual[WIRE_CPU_WORDS];

	cpu_usual(usual);
	return cpu_eligible(usual, node->last.cpu, why, size) ? "yes" : why;
}

static void print_json(const struct node *nodes, int count)
{
	printf("[");
	for (int i = 0; i < count; i++) {
		const struct node *n = &nodes[i];
		char why[80];

		printf("%s\n  {\"number\": %u, \"name\": ", i ? "," : "", n->number);
		json_string(stdout, n->name);
		printf(", \"address\": \"%s\", \"port\": %u, \"cpus\": %u, \"mhz\": %u, "
		       "\"speed\": %u, \"load\": %.2f, \"memory_total\": %llu, "
		       "\"memory_free\": %llu, \"guests\": %u, \"closed\": %s, \"age_ms\": %u, "
		       "\"uptime_ms\": %llu, \"version\": ",
		       n->addr, n->port, n->last.ncpu, n->last.mhz, n->last.speed,
		       n->last.load / 100.0, (unsigned long long)n->last.mem_total,
		       (unsigned long long)n->last.mem_free, n->last.guests,
		       n->last.flags & ANNOUNCE_CLOSED ? "true" : "false", n->age_ms,
		       (unsigned long long)n->last.uptime_ms);
		json_string(stdout, n->last.program);
		printf(", \"eligible\": ");
		json_string(stdout, takes(n, why, sizeof(why)));
		printf("}");
	}
	printf("%s]\n", count ? "\n" : "");
}

static void print_table(const struct node *nodes, int count)
{
	static const char *const heads[] = { ">NODE", "NAME",  "ADDRESS", ">CPUS",   ">MHZ",
					     ">SPEED", ">LOAD", ">FREE",   ">MEMORY", ">GUESTS",
					     ">AGE",  "ELIGIBLE", "VERSION", NULL };
	struct columns *c = columns_new(heads);

	for (int i = 0; i < count; i++) {
		const struct node *n = &nodes[i];
		char number[16], addr[INET_ADDRSTRLEN + 8], cpus[16], mhz[16], speed[16], load[16];
		char free_mem[16], total[16], guests[32], age[16], version[32], why[80];
		const char *const cells[] = { number, n->name,	addr,  cpus,   mhz, speed,
					      load,   free_mem, total, guests, age,
					      takes(n, why, sizeof(why)), version };

		snprintf(number, sizeof(number), "%u", n->number);
		if (n->port == MUSTER_PORT)
			snprintf(addr, sizeof(addr), "%s", n->addr);
		else
			snprintf(addr, sizeof(addr), "%s:%u", n->addr, n->port);
		snprintf(cpus, sizeof(cpus), "%u", n->last.ncpu);
		snprintf(mhz, sizeof(mhz), "%u", n->last.mhz);
		snprintf(speed, sizeof(speed), "%u", n->last.speed);
		snprintf(load, sizeof(load), "%.2f", n->last.load / 100.0);
		human_bytes(n->last.mem_free, free_mem, sizeof(free_mem));
		human_bytes(n->last.mem_total, total, sizeof(total));
		snprintf(guests, sizeof(guests), "%u%s", n->last.guests,
			 n->last.flags & ANNOUNCE_CLOSED ? " (closed)" : "");
		human_ms(n->age_ms, age, sizeof(age));
		snprintf(version, sizeof(version), "%.16s", n->last.program);
		columns_row(c, cells);
	}
	columns_print(c, stdout);
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "print JSON: one object per node, memory in bytes", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, NULL,
		"Lists the nodes that this machine hears.\v"
		"SPEED is a node's measure of one CPU, the same loop everywhere; LOAD counts runnable "
		"threads; AGE is the time since it was last heard; ELIGIBLE says whether programs started at home "
		"may run there, or which CPU feature is in the way (mosrun --baseline helps). Exits with 0 also if there is none.",
		NULL, NULL, NULL
	};
	char err[CONTROL_ERR_MAX];
	struct node *nodes;
	int count;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	count = nodes_query(&nodes, err);
	if (count < 0) {
		fprintf(stderr, "muster nodes: %s\n", err);
		return 1;
	}
	if (json)
		print_json(nodes, count);
	else if (count)
		print_table(nodes, count);
	else
		fprintf(stderr, "muster nodes: none is heard on UDP port %u\n", nodes_port());
	free(nodes);
	return 0;
}
