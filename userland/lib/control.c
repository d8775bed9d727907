/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control sockets, the asking side; and what both sides share: the folder and the lines' fields. */
#include "userland/lib/control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "userland/lib/control_int.h"

/* Only a folder that is ours alone may hold our sockets: /tmp is open to everybody's symlinks. */
static int dir_check(const char *dir, char *err)
{
	struct stat st;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		int e = errno;

		snprintf(err, CONTROL_ERR_MAX, "cannot make the runtime folder %s: %s", dir,
			 strerror(e));
		return -e;
	}
	if (lstat(dir, &st)) {
		int e = errno;

		snprintf(err, CONTROL_ERR_MAX, "%s: %s", dir, strerror(e));
		return -e;
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077) {
		snprintf(err, CONTROL_ERR_MAX,
			 "%s is not a folder of uid %d alone (mode 700): set MUSTER_RUNTIME_DIR "
			 "to one that is",
			 dir, (int)geteuid());
		return -EPERM;
	}
	return 0;
}

static bool is_ours(const char *dir)
{
	struct stat st;

	return !stat(dir, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

const char *control_dir(char *err)
{
	static char *dir;
	const char *env = getenv("MUSTER_RUNTIME_DIR"), *xdg = getenv("XDG_RUNTIME_DIR");
	char run[64], *path = NULL;
	int rc;

	if (dir)
		return dir;
	snprintf(run, sizeof(run), "/run/user/%d", (int)geteuid());
	if (env && *env)
		rc = asprintf(&path, "%s", env);
	else if (xdg && *xdg && is_ours(xdg)) /* not that of whoever called sudo */
		rc = asprintf(&path, "%s/muster", xdg);
	else if (is_ours(run))
		rc = asprintf(&path, "%s/muster", run);
	else
		rc = asprintf(&path, "/tmp/muster-%d", (int)geteuid());
	if (rc < 0) {
		snprintf(err, CONTROL_ERR_MAX, "out of memory");
		return NULL;
	}
	if (dir_check(path, err) < 0) {
		free(path);
		return NULL;
	}
	/* Whoever keeps it may leave its working directory. */
	dir = realpath(path, NULL);
	if (!dir)
		snprintf(err, CONTROL_ERR_MAX, "%s: %s", path, strerror(errno));
	free(path);
	return dir;
}

/*
 * sockaddr_un holds 107 bytes, less than a path may have; so the folder is named by a descriptor.
 * Returns the O_PATH descriptor, which must stay open until after bind() or connect().
 */
int control_address(const char *dir, const char *name, struct sockaddr_un *sun, char *err)
{
	int fd;

	if (!dir && !(dir = control_dir(err)))
		return -EPERM;
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		int e = errno;

		snprintf(err, CONTROL_ERR_MAX, "%s: %s", dir, strerror(e));
		return -e;
	}
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if ((size_t)snprintf(sun->sun_path, sizeof(sun->sun_path), "/proc/self/fd/%d/%s", fd,
			     name) >= sizeof(sun->sun_path)) {
		close(fd);
		snprintf(err, CONTROL_ERR_MAX, "%s: name too long", name);
		return -ENAMETOOLONG;
	}
	return fd;
}

/* --- lines --- */

bool control_is(const char *line, const char *verb)
{
	size_t n = strlen(verb);

	return !strncmp(line, verb, n) && (!line[n] || line[n] == '\t' || line[n] == ' ');
}

char *control_field(const char *line, const char *key, char *buf, size_t size)
{
	size_t n = strlen(key);

	for (const char *p = strchr(line, '\t'); p; p = strchr(p, '\t')) {
		size_t len;

		p++;
		if (strncmp(p, key, n) || p[n] != '=')
			continue;
		p += n + 1;
		len = strcspn(p, "\t");
		if (len >= size)
			len = size - 1;
		memcpy(buf, p, len);
		buf[len] = 0;
		return buf;
	}
	return NULL;
}

int64_t control_field_num(const char *line, const char *key, int64_t dflt)
{
	char buf[32], *end;
	long long v;

	if (!control_field(line, key, buf, sizeof(buf)) || !*buf)
		return dflt;
	errno = 0;
	v = strtoll(buf, &end, 10);
	return *end || errno ? dflt : v;
}

/* --- asking --- */

static int fail(char *err, int e, const char *what)
{
	snprintf(err, CONTROL_ERR_MAX, "%s: %s", what, strerror(e));
	return -e;
}

static int connect_to(const char *dir, const char *name, char *err)
{
	struct sockaddr_un sun;
	int at = control_address(dir, name, &sun, err), fd, e;

	if (at < 0)
		return at;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		e = errno;
		if (fd >= 0)
			close(fd);
		close(at);
		return fail(err, e, name);
	}
	close(at);
	return fd;
}

/* In a folder that others can enter (the system's), somebody else might sit behind the socket. */
static int check_server(int fd, const char *name, char *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return fail(err, errno, name);
	if (cred.uid != 0 && cred.uid != geteuid()) {
		snprintf(err, CONTROL_ERR_MAX, "%s is served by uid %d, neither root nor us", name,
			 (int)cred.uid);
		return -EPERM;
	}
	return 0;
}

static int send_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = send(fd, buf, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

/* Returns 1 when the answer is over, with its result in *rc. */
static int answer_line(char *line, control_line_fn *fn, void *arg, char *err, int *rc)
{
	if (!strcmp(line, "ok")) {
		*rc = 0;
		return 1;
	}
	if (control_is(line, "error")) {
		snprintf(err, CONTROL_ERR_MAX, "%s", line[5] ? line + 6 : "unknown error");
		*rc = -EREMOTEIO;
		return 1;
	}
	if (fn)
		fn(line, arg);
	return 0;
}

static int read_answer(int fd, const char *name, int timeout_ms, control_line_fn *fn, void *arg,
		       char *err)
{
	char buf[CONTROL_LINE_MAX];
	size_t have = 0;
	int rc;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		char *start = buf, *nl;
		ssize_t n;

		rc = poll(&pfd, 1, timeout_ms);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return fail(err, errno, name);
		if (rc == 0)
			return fail(err, ETIMEDOUT, name);
		n = recv(fd, buf + have, sizeof(buf) - have, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, name);
		if (n == 0) {
			snprintf(err, CONTROL_ERR_MAX, "%s ended before its answer did", name);
			return -EPIPE;
		}
		have += n;
		while ((nl = memchr(start, '\n', buf + have - start))) {
			*nl = 0;
			if (answer_line(start, fn, arg, err, &rc))
				return rc;
			start = nl + 1;
		}
		have -= start - buf;
		memmove(buf, start, have);
		if (have == sizeof(buf))
			return fail(err, EMSGSIZE, name);
	}
}

int control_call(const char *dir, const char *name, int timeout_ms, control_line_fn *fn, void *arg,
		 char *err, const char *request_fmt, ...)
{
	char line[CONTROL_LINE_MAX];
	va_list ap;
	int n, fd, rc;

	va_start(ap, request_fmt);
	n = vsnprintf(line, sizeof(line) - 1, request_fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(line) - 1)
		return fail(err, EMSGSIZE, name);
	if (memchr(line, '\n', n))
		return fail(err, EINVAL, name);
	line[n++] = '\n';
	fd = connect_to(dir, name, err);
	if (fd < 0)
		return fd;
	rc = check_server(fd, name, err);
	if (!rc) {
		rc = send_all(fd, line, n);
		/* A server that refuses may close before it has read: its reason is still there. */
		if (rc && rc != -EPIPE)
			fail(err, -rc, name);
		else
			rc = read_answer(fd, name, timeout_ms, fn, arg, err);
	}
	close(fd);
	return rc;
}

int control_each_deputy(void (*fn)(const char *name, pid_t deputy, void *arg), void *arg, char *err)
{
	const char *dir = control_dir(err);
	struct dirent **names;
	char ignored[CONTROL_ERR_MAX];
	int n, count = 0;

	if (!dir)
		return -EPERM;
	n = scandir(dir, &names, NULL, versionsort);
	if (n < 0)
		return fail(err, errno, dir);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		int pid, end = 0, fd;

		if (sscanf(name, "deputy-%d.sock%n", &pid, &end) == 1 && end && !name[end]) {
			fd = connect_to(dir, name, ignored);
			if (fd >= 0) {
				close(fd);
				count++;
				if (fn)
					fn(name, pid, arg);
			} else if (fd == -ECONNREFUSED) {
				char *path;

				if (asprintf(&path, "%s/%s", dir, name) > 0) {
					unlink(path);
					free(path);
				}
			}
		}
		free(names[i]);
	}
	free(names);
	return count;
}
