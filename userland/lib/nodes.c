/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks musterd for its nodes, and starts a private one if there is none. */
#include "userland/lib/nodes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/grow.h"
#include "userland/lib/programs.h"

#define START_MS 5000	/* until a musterd just started must answer; it listens a second first */

struct answer {
	struct node *nodes;
	int count, size;
	const char *bad;
};

uint16_t nodes_port(void)
{
	const char *env = getenv("MUSTER_PORT");
	long port = env ? strtol(env, NULL, 10) : 0;

	return port > 0 && port < 65536 ? port : MUSTER_PORT;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(const char *hex, void *out, size_t size)
{
	uint8_t *p = out;

	if (strlen(hex) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		p[i] = hi << 4 | lo;
	}
	return true;
}

static void node_line(char *line, void *arg)
{
	struct answer *a = arg;
	struct node *n;
	char hex[2 * sizeof(n->last) + 1];

	if (!control_is(line, "node"))
		return;
	n = grow(a->nodes, &a->size, a->count, sizeof(*n));
	if (!n) {
		a->bad = "out of memory";
		return;
	}
	a->nodes = n;
	n = &a->nodes[a->count];
	memset(n, 0, sizeof(*n));
	n->number = control_field_num(line, "number", 0);
	n->port = control_field_num(line, "port", 0);
	n->age_ms = control_field_num(line, "age_ms", 0);
	if (!n->number || !control_field(line, "name", n->name, sizeof(n->name)) ||
	    !control_field(line, "addr", n->addr, sizeof(n->addr)) ||
	    !control_field(line, "announce", hex, sizeof(hex)) ||
	    !from_hex(hex, &n->last, sizeof(n->last)) || announce_check(&n->last, sizeof(n->last)))
		a->bad = "musterd of another version answered: restart it";
	else
		a->count++;
}

/* musterd detaches itself, and exits 0 once it, or another, serves the socket. */
static int musterd_start(char *err)
{
	char path[PATH_MAX], text[CONTROL_ERR_MAX - 64];
	int fds[2], status = 0;
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	program_path("musterd", path, sizeof(path));
	if (pipe2(fds, O_CLOEXEC)) {
		snprintf(err, CONTROL_ERR_MAX, "pipe: %s", strerror(errno));
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 2);
		execlp(path, "musterd", "--private", "--detach", (char *)NULL);
		dprintf(2, "cannot start %s: %s", path, strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	while (pid > 0 && have < sizeof(text) - 1 &&
	       ((n = read(fds[0], text + have, sizeof(text) - 1 - have)) > 0 ||
		(n < 0 && errno == EINTR)))
		have += n > 0 ? n : 0;
	close(fds[0]);
	if (pid < 0) {
		snprintf(err, CONTROL_ERR_MAX, "fork: %s", strerror(errno));
		return -EAGAIN;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	text[have] = 0;
	text[strcspn(text, "\n")] = 0;
	if (!status)
		return 0;
	snprintf(err, CONTROL_ERR_MAX, "%s", have ? text : "musterd did not start");
	return -ECHILD;
}

static bool nobody(int rc)
{
	return rc == -ENOENT || rc == -ECONNREFUSED;
}

int nodes_ask(const char *request, control_line_fn *fn, void *arg, char *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int rc = -ENOENT;

	/* Whoever set a folder of his own wants his own musterd. */
	if (!getenv("MUSTER_RUNTIME_DIR"))
		rc = control_call(CONTROL_SYSTEM_DIR, CONTROL_MUSTERD, START_MS, fn, arg, err, "%s",
				  request);
	if (rc && rc != -EREMOTEIO)
		rc = control_call(NULL, CONTROL_MUSTERD, START_MS, fn, arg, err, "%s", request);
	if (!nobody(rc))
		return rc;
	rc = musterd_start(err);
	if (rc)
		return rc;
	/* Another process may have been first; then its musterd is about to listen. */
	for (int i = 0; i < START_MS / 20; i++) {
		rc = control_call(NULL, CONTROL_MUSTERD, START_MS, fn, arg, err, "%s", request);
		if (!nobody(rc))
			break;
		nanosleep(&pause, NULL);
	}
	return rc;
}

int nodes_query(struct node **nodes, char *err)
{
	struct answer a = { 0 };
	int rc = nodes_ask("nodes", node_line, &a, err);

	*nodes = NULL;
	if (!rc && a.bad) {
		snprintf(err, CONTROL_ERR_MAX, "%s", a.bad);
		rc = -EPROTO;
	}
	if (rc) {
		free(a.nodes);
		return rc;
	}
	*nodes = a.nodes;
	return a.count;
}

static bool fits(const struct node *n, const char *which)
{
	char addr[INET_ADDRSTRLEN + 8], *end;
	unsigned long number = strtoul(which, &end, 10);

	if (*which && !*end)
		return n->number == number;
	snprintf(addr, sizeof(addr), "%s:%u", n->addr, n->port);
	return !strcmp(n->name, which) || !strcmp(n->addr, which) || !strcmp(addr, which);
}

/* "1 node1, 2 node2": as many as the message has room for. */
static void list_them(const struct node *nodes, int count, char *buf, size_t size)
{
	size_t len = 0;

	*buf = 0;
	for (int i = 0; i < count && len < size; i++)
		len += snprintf(buf + len, size - len, "%s%u %s", i ? ", " : "", nodes[i].number,
				nodes[i].name);
}

/* The one node of these that fits; 0, -ENOENT, or -EINVAL if several do, with err filled. */
static int find_in(const struct node *nodes, int count, const char *which, struct node *node,
		   char *err)
{
	char list[CONTROL_ERR_MAX / 2];
	int found = 0;

	for (int i = 0; i < count; i++)
		if (fits(&nodes[i], which)) {
			*node = nodes[i];
			found++;
		}
	list_them(nodes, count, list, sizeof(list));
	if (found == 1)
		return 0;
	if (found)
		snprintf(err, CONTROL_ERR_MAX, "node %.40s: several fit, give the number: %s",
			 which, list);
	else if (count)
		snprintf(err, CONTROL_ERR_MAX, "node %.40s: not heard; there are: %s", which, list);
	else
		snprintf(err, CONTROL_ERR_MAX,
			 "node %.40s: no node is heard on UDP port %u (is one booted, on this "
			 "network?)",
			 which, nodes_port());
	return found ? -EINVAL : -ENOENT;
}

int nodes_find(const char *which, struct node *node, char *err)
{
	struct node *nodes;
	int count = nodes_query(&nodes, err), rc;

	if (count < 0)
		return count;
	rc = find_in(nodes, count, which, node, err);
	free(nodes);
	return rc;
}

/* An address that nobody announces: perhaps multicast does not come through. */
static bool as_address(const char *which, struct node *node)
{
	size_t n = strcspn(which, ":");
	struct in_addr in;
	unsigned long port = MUSTER_PORT;
	char *end;

	memset(node, 0, sizeof(*node));
	if (n >= sizeof(node->addr))
		return false;
	memcpy(node->addr, which, n);
	if (which[n]) {
		port = strtoul(which + n + 1, &end, 10);
		if (*end || !which[n + 1] || !port || port > 65535)
			return false;
	}
	node->port = port;
	snprintf(node->name, sizeof(node->name), "%s", which);
	return inet_pton(AF_INET, node->addr, &in) == 1;
}

int nodes_select(const char *list, struct node **nodes, char *err)
{
	struct node *all, *chosen;
	char *words = strdup(list), *save = NULL;
	int count = nodes_query(&all, err), n = 0, rc = 0;

	*nodes = NULL;
	if (count < 0 || !words) {
		if (count >= 0) {
			free(all);
			snprintf(err, CONTROL_ERR_MAX, "out of memory");
		}
		free(words);
		return count < 0 ? count : -ENOMEM;
	}
	/* No more than one for each comma, or all. */
	chosen = calloc((size_t)count + strlen(list) + 1, sizeof(*chosen));
	if (!chosen) {
		snprintf(err, CONTROL_ERR_MAX, "out of memory");
		rc = -ENOMEM;
	}
	for (char *w = strtok_r(words, ",", &save); w && !rc; w = strtok_r(NULL, ",", &save)) {
		struct node one;
		int had = 0;

		if (!strcmp(w, "all")) {
			memcpy(chosen, all, (size_t)count * sizeof(*chosen));
			n = count;
			break;
		}
		rc = find_in(all, count, w, &one, err);
		if (rc == -ENOENT && as_address(w, &one))
			rc = 0;
		for (int i = 0; i < n && !rc; i++)
			had |= chosen[i].port == one.port && !strcmp(chosen[i].addr, one.addr);
		if (!rc && !had)
			chosen[n++] = one;
	}
	if (!rc && !n) {
		snprintf(err, CONTROL_ERR_MAX, "no node is heard on UDP port %u", nodes_port());
		rc = -ENOENT;
	}
	free(words);
	free(all);
	if (rc) {
		free(chosen);
		return rc;
	}
	*nodes = chosen;
	return n;
}
