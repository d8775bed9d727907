/* SPDX-License-Identifier: GPL-2.0-or-later */
/* muster nodes: what musterd hears, as a table or as JSON. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "userland/lib/control.h"
#include "userland/lib/eligible.h"
#include "userland/lib/known.h"
#include "userland/lib/nodes.h"
#include "userland/lib/table_print.h"

const char *argp_program_version = "muster nodes (muster) " MUSTER_VERSION;

static bool json, all;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 'j')
		json = true;
	else if (key == 'a')
		all = true;
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

/* Those that are off, as JSON in the same array, or as a table of their own. */
static void json_known(const struct known_node *known, int count, bool comma)
{
	for (int i = 0; i < count; i++) {
		const struct known_node *n = &known[i];
		char mac[MAC_TEXT_MAX];

		if (n->alive)
			continue;
		printf("%s\n  {\"number\": %u, \"name\": ", comma ? "," : "", n->number);
		json_string(stdout, n->name);
		printf(", \"alive\": false, \"address\": \"%s\", \"port\": %u, \"mac\": \"%s\", "
		       "\"last_seen\": %lld}", n->addr, n->port, mac_text(n->mac, mac),
		       (long long)n->seen);
		comma = true;
	}
}

static void table_known(const struct known_node *known, int count)
{
	static const char *const heads[] = { ">NODE",	 "NAME",      "ADDRESS",
					     "HARDWARE", "LAST SEEN", NULL };
	struct columns *c = NULL;

	for (int i = 0; i < count; i++) {
		const struct known_node *n = &known[i];
		char number[16], mac[MAC_TEXT_MAX], seen[32];
		const char *const cells[] = { number, n->name, n->addr, mac_text(n->mac, mac),
					      seen };
		time_t t = n->seen;
		struct tm tm;

		if (n->alive)
			continue;
		if (!c)
			c = columns_new(heads);
		snprintf(number, sizeof(number), "%u", n->number);
		if (!localtime_r(&t, &tm) || !strftime(seen, sizeof(seen), "%F %T", &tm))
			snprintf(seen, sizeof(seen), "?");
		columns_row(c, cells);
	}
	if (!c)
		return;
	printf("\nNot heard now:\n");
	columns_print(c, stdout);
}

static void print_json(const struct node *nodes, int count, const struct known_node *known,
		       int nknown)
{
	char mac[MAC_TEXT_MAX];

	printf("[");
	for (int i = 0; i < count; i++) {
		const struct node *n = &nodes[i];
		char why[80];

		printf("%s\n  {\"number\": %u, \"name\": ", i ? "," : "", n->number);
		json_string(stdout, n->name);
		printf(", \"alive\": true, \"mac\": \"%s\"", mac_text(n->last.mac, mac));
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
	json_known(known, nknown, count);
	printf("%s]\n", count || nknown ? "\n" : "");
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
		{ "all", 'a', NULL, 0, "then list those that are remembered and not heard now", 0 },
		{ "json", 'j', NULL, 0, "print JSON: one object per node, memory in bytes", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		NULL,
		"Lists the nodes that this machine hears.\v"
		"SPEED is a node's measure of one CPU, the same loop everywhere; LOAD counts runnable "
		"threads; AGE is the time since it was last heard; ELIGIBLE says whether programs "
		"started at home may run there, or which CPU feature is in the way (mosrun --baseline "
		"helps). Exits with 0 also if there is none.",
		NULL,
		NULL,
		NULL
	};
	char err[CONTROL_ERR_MAX];
	struct known_node *known = NULL;
	struct node *nodes;
	int count, nknown = 0;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	count = nodes_query(&nodes, err);
	if (count < 0) {
		fprintf(stderr, "muster nodes: %s\n", err);
		return 1;
	}
	if (all)
		nknown = known_query(&known, err);
	if (nknown < 0) {
		fprintf(stderr, "muster nodes: %s\n", err);
		return 1;
	}
	if (json)
		print_json(nodes, count, known, nknown);
	else if (count)
		print_table(nodes, count);
	else
		fprintf(stderr, "muster nodes: none is heard on UDP port %u\n", nodes_port());
	if (!json)
		table_known(known, nknown);
	free(nodes);
	free(known);
	return 0;
}
