/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads with suspicion, writes beside the old file and renames. */
#include "userland/musterd/remember.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/known.h"

#define HEAD "muster-nodes 1"
#define LINE_SIZE 512
#define FORGET_S (365LL * 86400)

/* mkdir -p; what is there already keeps its rights. */
static int make_folders(const char *dir, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", dir);
	for (char *p = path + 1; *p; p++)
		if (*p == '/') {
			*p = 0;
			if (mkdir(path, mode) && errno != EEXIST)
				return -errno;
			*p = '/';
		}
	return mkdir(path, mode) && errno != EEXIST ? -errno : 0;
}

const char *remember_path(char *buf, size_t size, char *err)
{
	const char *own = getenv("MUSTER_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char dir[PATH_MAX - 16], real[PATH_MAX];
	int n, rc;

	if (own && *own)
		n = snprintf(dir, sizeof(dir), "%s", own);
	else if (!geteuid())
		n = snprintf(dir, sizeof(dir), "/var/lib/muster");
	else if (state && *state == '/')
		n = snprintf(dir, sizeof(dir), "%s/muster", state);
	else if (home && *home == '/')
		n = snprintf(dir, sizeof(dir), "%s/.local/state/muster", home);
	else
		n = 0;
	if (n <= 0 || n >= (int)sizeof(dir)) {
		snprintf(err, CONTROL_ERR_MAX,
			 "there is no folder to remember nodes in (HOME is not set)");
		return NULL;
	}
	rc = make_folders(dir, geteuid() ? 0700 : 0755);
	/* Whoever goes to the background leaves the folder that a relative path starts from. */
	if (!rc && !realpath(dir, real))
		rc = -errno;
	if (!rc && snprintf(buf, size, "%s/nodes", real) >= (int)size)
		rc = -ENAMETOOLONG;
	if (rc) {
		snprintf(err, CONTROL_ERR_MAX, "%.300s: %s", dir, strerror(-rc));
		return NULL;
	}
	return buf;
}

/* --- reading --- */

static bool is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *take_node(struct table *t, const char *line, int64_t now_s)
{
	char mac[MAC_TEXT_MAX];
	struct table_node n = { 0 };
	struct in_addr in;
	int64_t number = control_field_num(line, "number", 0),
		port = control_field_num(line, "port", 0);

	n.seen_s = control_field_num(line, "seen", -1);
	if (number < 1 || number > TABLE_NUMBER_MAX || port < 1 || port > 65535 || n.seen_s < 0)
		return "an impossible number";
	n.number = (unsigned)number;
	n.port = (uint16_t)port;
	if (!control_field(line, "name", n.last.name, sizeof(n.last.name)) || !is_name(n.last.name))
		return "no name";
	if (!control_field(line, "addr", n.addr, sizeof(n.addr)) ||
	    inet_pton(AF_INET, n.addr, &in) != 1)
		return "no address";
	if (!control_field(line, "mac", mac, sizeof(mac)) || !mac_parse(mac, n.last.mac))
		return "no hardware address";
	if (now_s - n.seen_s > FORGET_S)
		return NULL;
	/* A clock that was wrong when it was written. */
	if (n.seen_s > now_s)
		n.seen_s = now_s;
	return table_recall(t, &n) ? "a number that another node has" : NULL;
}

static const char *take_file(struct table *t, FILE *f, int64_t now_s, unsigned *at)
{
	char line[LINE_SIZE];
	int64_t count = 0;
	const char *bad;

	for (*at = 1; fgets(line, sizeof(line), f); ++*at) {
		size_t len = strlen(line);

		if (!len || line[len - 1] != '\n')
			return "cut short or too long";
		line[len - 1] = 0;
		if (*at == 1 && strcmp(line, HEAD))
			return "not `" HEAD "`";
		if (*at == 1)
			continue;
		if (control_is(line, "end"))
			return control_field_num(line, "count", -1) != count
				       ? "another count of nodes"
			       : fgetc(f) != EOF ? "something behind the end"
						 : NULL;
		bad = control_is(line, "node") ? take_node(t, line, now_s)
					       : "neither `node` nor `end`";
		if (bad)
			return bad;
		count++;
	}
	return ferror(f) ? strerror(errno) : "the end is missing";
}

int remember_load(struct table *t, const char *path, int64_t now_s, char *err)
{
	FILE *f = fopen(path, "re");
	const char *bad;
	unsigned at;

	if (!f) {
		int e = errno;

		snprintf(err, CONTROL_ERR_MAX, "%.300s: %s", path, strerror(e));
		return -e;
	}
	bad = take_file(t, f, now_s, &at);
	fclose(f);
	if (!bad)
		return 0;
	table_free(t);
	snprintf(err, CONTROL_ERR_MAX, "%.300s, line %u: %s", path, at, bad);
	return -EINVAL;
}

/* --- writing --- */

static int write_nodes(const struct table *t, FILE *f, uint64_t now_ms, int64_t now_s)
{
	char mac[MAC_TEXT_MAX];

	fprintf(f, HEAD "\n");
	for (unsigned i = 0; i < t->count; i++) {
		const struct table_node *n = &t->nodes[i];

		fprintf(f, "node\tnumber=%u\tname=%s\tmac=%s\taddr=%s\tport=%u\tseen=%lld\n",
			n->number, n->last.name, mac_text(n->last.mac, mac), n->addr, n->port,
			(long long)table_seen(n, now_ms, now_s));
	}
	fprintf(f, "end\tcount=%u\n", t->count);
	errno = 0;
	if (fflush(f) || ferror(f))
		return errno ? -errno : -EIO;
	return fsync(fileno(f)) ? -errno : 0;
}

int remember_save(const struct table *t, const char *path, uint64_t now_ms, int64_t now_s,
		  char *err)
{
	char fresh[PATH_MAX + 8];
	int fd, rc;
	FILE *f;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	rc = f ? write_nodes(t, f, now_ms, now_s) : -errno;
	if (f ? fclose(f) : fd >= 0 && close(fd))
		rc = rc ? rc : -errno;
	if (!rc && rename(fresh, path))
		rc = -errno;
	if (rc) {
		unlink(fresh);
		snprintf(err, CONTROL_ERR_MAX, "%.300s: %s", path, strerror(-rc));
	}
	return rc;
}
