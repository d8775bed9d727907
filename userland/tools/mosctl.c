/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mosctl VERB NODE...: gives orders to nodes; wakes those that are off. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"
#include "userland/lib/control.h"
#include "userland/lib/known.h"
#include "userland/lib/tell.h"
#include "userland/lib/wake.h"

const char *argp_program_version = "mosctl (muster) " MUSTER_VERSION;

enum {
	EXIT_DONE,
	EXIT_REFUSED,	/* by a node */
	EXIT_USAGE,
	EXIT_NO_ANSWER,	/* unknown, silent, lost */
};

static struct {
	bool quiet;
	const char *verb, *nodes;
	char order[WIRE_ORDER_MAX];	/* the verb, and what follows the nodes */
} opt;

/* What nodes understand, and what is done here. */
static const struct verb {
	const char *name, *args, *what;
	int (*here)(void);	/* NULL: the node does it */
} *verb;

static int wake(void);

static const struct verb verbs[] = {
#define ORDER(name, args, kind, help) { #name, args, help, NULL },
#include "proto/orders.def"
#undef ORDER
	{ "wake", "", "switch on a remembered node, or a hardware address", wake },
	{ 0 },
};

/* --- orders --- */

struct telling {
	bool several;
	int status;
};

static void worst(int *status, int now)
{
	if (now > *status)
		*status = now;
}

static void show_line(const struct node *node, const char *text, void *arg)
{
	const struct telling *t = arg;

	if (opt.quiet)
		return;
	if (t->several)
		printf("%s: ", node->name);
	puts(text);
}

static void show_end(const struct node *node, int result, const char *err, void *arg)
{
	struct telling *t = arg;

	if (err)
		fprintf(stderr, "mosctl: %s (%s): %s\n", node->name, node->addr, err);
	else if (result)
		fprintf(stderr, "mosctl: %s: %s was not carried out: %s\n", node->name, opt.verb,
			strerror(-result));
	worst(&t->status, err ? EXIT_NO_ANSWER : result ? EXIT_REFUSED : EXIT_DONE);
}

static int give_order(void)
{
	static const struct tell_ops ops = { show_line, show_end };
	struct telling t = { 0 };
	char err[CONTROL_ERR_MAX];
	struct node *nodes;
	int count = nodes_select(opt.nodes, &nodes, err);

	if (count < 0) {
		fprintf(stderr, "mosctl: %s\n", err);
		return EXIT_NO_ANSWER;
	}
	t.several = count > 1;
	tell(opt.order, nodes, (unsigned)count, &ops, &t);
	free(nodes);
	return t.status;
}

/* --- wake --- */

static int wake_one(const uint8_t mac[6], const char *name, const char *addr)
{
	char err[CONTROL_ERR_MAX], text[MAC_TEXT_MAX];
	int n = wake_send(mac, addr, err);

	if (n < 0) {
		fprintf(stderr, "mosctl: %s: %s\n", name, err);
		return EXIT_REFUSED;
	}
	if (!opt.quiet)
		printf("%s: told %s to wake; it is up when `muster nodes` shows it\n", name,
		       mac_text(mac, text));
	return EXIT_DONE;
}

static int wake_known(const struct known_node *n)
{
	if (n->alive) {
		if (!opt.quiet)
			printf("%s: is up\n", n->name);
		return EXIT_DONE;
	}
	if (mac_is_none(n->mac)) {
		fprintf(stderr,
			"mosctl: %s: it never told its hardware address: give that instead\n",
			n->name);
		return EXIT_NO_ANSWER;
	}
	return wake_one(n->mac, n->name, n->addr);
}

static bool is_meant(const struct known_node *n, const char *which)
{
	char *end;
	unsigned long number = strtoul(which, &end, 10);

	if (*which && !*end)
		return n->number == number;
	return !strcmp(which, "all") || !strcmp(which, n->name) || !strcmp(which, n->addr);
}

static int wake(void)
{
	char err[CONTROL_ERR_MAX], *words = strdup(opt.nodes), *save = NULL;
	struct known_node *known = NULL;
	int count = 0, status = EXIT_DONE;
	bool asked = false;

	for (char *w = words ? strtok_r(words, ",", &save) : NULL; w;
	     w = strtok_r(NULL, ",", &save)) {
		unsigned found = 0;
		uint8_t mac[6];

		if (mac_parse(w, mac)) {
			worst(&status, wake_one(mac, w, NULL));
			continue;
		}
		if (!asked)
			count = known_query(&known, err);
		asked = true;
		if (count < 0) {
			fprintf(stderr, "mosctl: %s\n", err);
			status = EXIT_NO_ANSWER;
			break;
		}
		for (int i = 0; i < count; i++)
			if (is_meant(&known[i], w)) {
				worst(&status, wake_known(&known[i]));
				found++;
			}
		if (found)
			continue;
		fprintf(stderr,
			"mosctl: node %s: not remembered; `muster nodes --all` lists those that are, and "
			"a hardware address will do\n",
			w);
		worst(&status, EXIT_NO_ANSWER);
	}
	free(known);
	free(words);
	return status;
}

/* --- the command line --- */

static char *help_text(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&list, &size);
	if (!f)
		return (char *)text;
	for (const struct verb *v = verbs; v->name; v++) {
		char form[64];

		snprintf(form, sizeof(form), "%s NODE %s", v->name, v->args);
		fprintf(f, "  %-23s %s\n", form, v->what);
	}
	fprintf(f, "\n%s", text);
	fclose(f);
	return list;
}

static void add_word(const char *word, struct argp_state *state)
{
	size_t have = strlen(opt.order);

	/* What the node would refuse should not need a node to be refused. */
	for (const char *p = word; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			argp_error(state, "an order is one line of text");
	if (have + strlen(word) + 2 > sizeof(opt.order))
		argp_error(state, "an order has at most %u characters", WIRE_ORDER_MAX - 1);
	snprintf(opt.order + have, sizeof(opt.order) - have, "%s%s", have ? " " : "", word);
}

static void take_verb(const char *name, struct argp_state *state)
{
	for (verb = verbs; verb->name && strcmp(verb->name, name); verb++)
		;
	if (!verb->name)
		argp_error(state, "there is no verb %s", name);
	opt.verb = name;
	add_word(name, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'q':
		opt.quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			take_verb(arg, state);
		else if (state->arg_num == 1)
			opt.nodes = arg;
		else if (*verb->args)
			add_word(arg, state);
		else
			argp_error(state, "nothing follows the node of %s: %s", opt.verb, arg);
		return 0;
	case ARGP_KEY_END:
		if (!opt.nodes)
			argp_error(state, opt.verb ? "which node?" : "which verb?");
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
		options,
		parse,
		"VERB NODE[,NODE...] [ARG...]",
		"Gives orders to nodes.\v"
		"NODE is a number, a name or an address, as `muster nodes` lists them, or `all`. An "
		"order once given is carried out also if mosctl is interrupted. Exit status: 0 done; "
		"1 a node could not do it, and says why; 2 wrong usage; 3 no such node, or it does not answer.",
		NULL,
		help_text,
		NULL
	};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return verb->here ? verb->here() : give_order();
}
