/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * musterd: hears the nodes' announcements, keeps the node table, and answers those who ask for it.
 * One for the system (root), or a private one that some tool started for its user.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/known.h"
#include "userland/lib/nodes.h"
#include "userland/musterd/listen.h"
#include "userland/musterd/remember.h"
#include "userland/musterd/table.h"

#define LISTEN_FIRST_MS (ANNOUNCE_INTERVAL_MS + 300) /* before the first answer: hear everybody */
#define IDLE_MS		(10 * 60 * 1000)	/* a private one then leaves */
#define REJOIN_MS	5000
#define SAVE_MS		2000	/* after a change: others may follow at once */
#define SAVE_AGAIN_MS	(60 * 1000)	/* when it did not work */
#define SAVE_IDLE_MS	(60 * 60 * 1000)	/* without a change: when they were heard */
#define BAD_LOG_MS	10000 /* at most one line about bad packets in this time */

const char *argp_program_version = "musterd (muster) " MUSTER_VERSION;

static struct {
	bool private, detach, verbose;
	const char *dir;	/* of the socket; NULL: control_dir() */
} opt;

static struct table table;
static uint64_t started_ms, asked_ms;

/* Those who asked before the first announcements could be here. */
typedef void answer_fn(struct control_conn *conn);
static struct {
	struct control_conn *conn;
	answer_fn *fn;
} waiting[64];
static unsigned nwaiting;

/* The file of the nodes that are remembered; empty: there is none. */
static char memory[PATH_MAX];
static uint64_t save_ms;	/* when it is to be written */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static void say(const char *what, const struct table_node *n)
{
	fprintf(stderr, "musterd: node %u (%s, %s:%u) %s\n", n->number, n->last.name, n->addr,
		n->port, what);
}

static void changed(void)
{
	uint64_t soon = now_ms() + SAVE_MS;

	if (save_ms > soon)
		save_ms = soon;
}

static void expired(const struct table_node *n)
{
	say("is silent", n);
	changed();
}

/* --- what is kept over restarts --- */

static void recall(void)
{
	char err[CONTROL_ERR_MAX], kept[PATH_MAX + 16];
	int rc;

	save_ms = now_ms() + SAVE_IDLE_MS;
	if (!*memory)
		return;
	rc = remember_load(&table, memory, time(NULL), err);
	if (!rc || rc == -ENOENT)
		return;
	snprintf(kept, sizeof(kept), "%s.bad", memory);
	if (rename(memory, kept))
		snprintf(kept, sizeof(kept), "%s", strerror(errno));
	fprintf(stderr, "musterd: %s: ignored, and kept as %s\n", err, kept);
}

static void save(uint64_t now)
{
	static bool told;
	char err[CONTROL_ERR_MAX];
	int rc;

	if (!*memory)
		return;
	rc = remember_save(&table, memory, now, time(NULL), err);
	save_ms = now + (rc ? SAVE_AGAIN_MS : SAVE_IDLE_MS);
	if (rc && !told)
		fprintf(stderr, "musterd: %s: the nodes are not remembered for now\n", err);
	told = rc;
}

/* --- announcements --- */

static void bad_packet(const char *why, const struct sockaddr_in *from, uint64_t now)
{
	static uint64_t last, count;
	char addr[INET_ADDRSTRLEN];

	count++;
	if (last && now - last < BAD_LOG_MS)
		return;
	last = now;
	inet_ntop(AF_INET, &from->sin_addr, addr, sizeof(addr));
	fprintf(stderr, "musterd: %llu packet(s) refused, the last from %s: %s\n",
		(unsigned long long)count, addr, why);
	count = 0;
}

static void hear(int fd)
{
	static const char *const words[] = {
		[TABLE_NEW] = "is new",
		[TABLE_BACK] = "is back",
		[TABLE_BYE] = "says goodbye",
		[TABLE_CHANGED] = "has another address or name",
	};
	union {
		struct announce a;
		char bytes[sizeof(struct announce) + 1];	/* one more: longer ones show */
	} u;
	const struct table_node *node;
	struct sockaddr_in from;
	uint64_t now = now_ms();

	for (int i = 0; i < 256; i++) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, &u, sizeof(u), 0, (struct sockaddr *)&from, &len);
		const char *why;
		enum table_event event;

		if (n < 0 && errno != EINTR)
			return;
		why = n < 0 ? NULL : announce_check(&u, n > (ssize_t)sizeof(u.bytes) ? 0 : n);
		if (why)
			bad_packet(why, &from, now);
		if (n < 0 || why)
			continue;
		event = table_hear(&table, &u.a, from.sin_addr.s_addr, now, &node);
		if (node && words[event]) {
			say(words[event], node);
			changed();
		}
		if (event == TABLE_FULL)
			bad_packet("no memory for another node", &from, now);
	}
}

/* --- questions --- */

static void answer_nodes(struct control_conn *conn)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * sizeof(struct announce) + 1];
	uint64_t now = now_ms();

	table_expire(&table, now, expired);
	for (unsigned i = 0; i < table.count; i++) {
		const struct table_node *n = &table.nodes[i];
		const uint8_t *bytes = (const void *)&n->last;

		if (!n->alive)
			continue;
		for (size_t j = 0; j < sizeof(n->last); j++) {
			hex[2 * j] = digits[bytes[j] >> 4];
			hex[2 * j + 1] = digits[bytes[j] & 15];
		}
		hex[sizeof(hex) - 1] = 0;
		control_print(
			conn,
			"node\tnumber=%u\tname=%s\taddr=%s\tport=%u\tage_ms=%llu\tannounce=%s",
			n->number, n->last.name, n->addr, n->port,
			(unsigned long long)(now - n->heard_ms), hex);
	}
	control_ok(conn);
}

static void answer_known(struct control_conn *conn)
{
	char mac[MAC_TEXT_MAX];
	uint64_t now = now_ms();
	int64_t now_s = time(NULL);

	table_expire(&table, now, expired);
	for (unsigned i = 0; i < table.count; i++) {
		const struct table_node *n = &table.nodes[i];

		control_print(
			conn,
			"known\tnumber=%u\tname=%s\taddr=%s\tport=%u\tmac=%s\talive=%d\tseen=%lld",
			n->number, n->last.name, n->addr, n->port, mac_text(n->last.mac, mac),
			n->alive, (long long)table_seen(n, now, now_s));
	}
	control_ok(conn);
}

/* Those who can be answered now. */
static void answer(struct control_conn *conn, answer_fn *fn)
{
	if (now_ms() - started_ms >= LISTEN_FIRST_MS) {
		fn(conn);
	} else if (nwaiting < sizeof(waiting) / sizeof(waiting[0])) {
		waiting[nwaiting].conn = conn;
		waiting[nwaiting++].fn = fn;
	} else {
		control_error(conn, "too many questions while starting: ask again in a second");
	}
}

static void asked(struct control_conn *conn, char *line, void *arg)
{
	(void)arg;
	asked_ms = now_ms();
	if (control_is(line, "ping"))
		control_ok(conn);
	else if (control_is(line, "nodes"))
		answer(conn, answer_nodes);
	else if (control_is(line, "known"))
		answer(conn, answer_known);
	else
		control_error(conn, "musterd does not know the request %.40s", line);
}

/* --- life --- */

static int loop(int udp, struct control *ctl, const char *group)
{
	uint64_t joined = 0, now;
	sigset_t set;
	struct pollfd fds[3] = {
		{ .fd = udp, .events = POLLIN },
		{ .fd = control_fd(ctl), .events = POLLIN },
		{ .events = POLLIN },
	};

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fds[2].fd = signalfd(-1, &set, SFD_CLOEXEC);
	for (;;) {
		now = now_ms();
		if (!joined || now - joined >= REJOIN_MS) {
			listen_join(udp, group);
			joined = now;
		}
		poll(fds, 3, nwaiting ? 50 : 500);
		if (fds[2].revents)
			return 0;
		hear(udp);
		control_run(ctl);
		now = now_ms();
		table_expire(&table, now, expired);
		while (nwaiting && now - started_ms >= LISTEN_FIRST_MS) {
			nwaiting--;
			waiting[nwaiting].fn(waiting[nwaiting].conn);
		}
		if (now >= save_ms)
			save(now);
		if (opt.private && now - asked_ms > IDLE_MS) {
			char err[CONTROL_ERR_MAX];

			if (!control_each_deputy(NULL, NULL, err))
				return 0;
			asked_ms = now;
		}
	}
}

/* Returns the descriptor that holds the lock while we live; -1: another musterd has it. */
static int take_lock(const char *dir)
{
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = at < 0 ? -1 : openat(at, "musterd.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		fprintf(stderr, "musterd: %s/musterd.lock: %s\n", dir, strerror(errno));
		exit(1);
	}
	close(at);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	close(fd);
	return -1;
}

/* Leaves the caller's session, descriptors and folder; messages go to musterd.log from here on. */
static void detach(const char *dir)
{
	int null = open("/dev/null", O_RDWR), log;
	char *path;
	pid_t pid = fork();

	if (pid < 0) {
		perror("musterd: fork");
		exit(1);
	}
	if (pid > 0)
		_exit(0);
	setsid();
	log = asprintf(&path, "%s/musterd.log", dir) < 0
		      ? -1
		      : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
	dup2(null, 0);
	dup2(null, 1);
	dup2(log < 0 ? null : log, 2);
	close(null);
	if (log > 2)
		close(log);
	if (chdir("/"))
		_exit(1);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		opt.private = true;
		return 0;
	case 'd':
		opt.detach = true;
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
		{ "private", 'p', NULL, 0,
		  "serve one user, from the user's runtime folder; leave after 10 idle minutes",
		  0 },
		{ "detach", 'd', NULL, 0, "go to the background once the socket is served", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		NULL,
		"Hears the announcements of Muster nodes and tells the tools about them.\v"
		"UDP port: $MUSTER_PORT or 7746. Multicast group: $MUSTER_GROUP or " MUSTER_GROUP
		".",
		NULL,
		NULL,
		NULL
	};
	char err[CONTROL_ERR_MAX];
	const char *dir, *group = getenv("MUSTER_GROUP");
	struct in_addr in;
	struct control *ctl;
	int udp, lock, rc;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	setvbuf(stderr, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	/* Nothing of whoever started us may be held open: his pipes would never end. */
	close_range(3, ~0u, 0);
	/* And nothing of ours may get the number of one that he has closed. */
	while ((rc = open("/dev/null", O_RDWR)) >= 0 && rc <= STDERR_FILENO)
		;
	close(rc);
	if (!group || !*group)
		group = MUSTER_GROUP;
	if (inet_pton(AF_INET, group, &in) != 1 || !IN_MULTICAST(ntohl(in.s_addr))) {
		fprintf(stderr, "musterd: %s is not an IPv4 multicast group\n", group);
		return 1;
	}
	if (opt.private || geteuid()) {
		opt.private = true;
		dir = control_dir(err);
		if (!dir) {
			fprintf(stderr, "musterd: %s\n", err);
			return 1;
		}
	} else {
		dir = getenv("MUSTER_RUNTIME_DIR");
		if (!dir || !*dir)
			dir = CONTROL_SYSTEM_DIR;
		/* Others must reach the socket; only root may place one there. */
		if (mkdir(dir, 0755) && errno != EEXIST) {
			fprintf(stderr, "musterd: %s: %s\n", dir, strerror(errno));
			return 1;
		}
	}
	lock = take_lock(dir);
	if (lock < 0) {
		if (opt.detach)
			return 0;	/* somebody else was asked for the same: fine */
		fprintf(stderr, "musterd: another one serves %s\n", dir);
		return 1;
	}
	udp = listen_open(nodes_port(), err);
	ctl = udp < 0 ? NULL
		      : control_listen(dir, CONTROL_MUSTERD, opt.private ? 0 : CONTROL_ANYONE,
				       asked, NULL, err);
	if (!ctl) {
		fprintf(stderr, "musterd: %s\n", err);
		return 1;
	}
	if (!remember_path(memory, sizeof(memory), err)) {
		memory[0] = 0;
		fprintf(stderr, "musterd: %s; nodes are forgotten when musterd ends\n", err);
	}
	if (opt.detach)
		detach(dir);
	started_ms = asked_ms = now_ms();
	recall();
	rc = loop(udp, ctl, group);
	save(now_ms());
	control_close(ctl);
	table_free(&table);
	close(lock);
	return rc;
}
