/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control sockets, the answering side. One epoll set of its own holds the listening socket and the
 * connections; its descriptor is what the owner's loop waits for. Nothing here blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userland/lib/control.h"
#include "userland/lib/control_int.h"

#define CONNS_MAX 256	/* at once; more are told so */

enum conn_state {
	CONN_READING,	/* the request is not complete */
	CONN_OPEN,	/* the owner has it, and must end it */
	CONN_ENDED,	/* only its output is left to send */
};

struct control_conn {
	struct control *ctl;
	struct control_conn *next, **pprev;
	enum conn_state state;
	int fd;
	bool gone;
	uid_t uid;
	char in[CONTROL_LINE_MAX];
	size_t in_len;
	char *out;
	size_t out_len, out_size;
};

struct control {
	int epoll, listen, dir;
	char *name;
	unsigned flags;
	control_request_fn *fn;
	void *arg;
	struct control_conn *conns;
	unsigned nconns, nopen;
};

struct control *control_listen(const char *dir, const char *name, unsigned flags,
			       control_request_fn *fn, void *arg, char *err)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct sockaddr_un sun;
	struct control *ctl = calloc(1, sizeof(*ctl));
	char early[64];

	if (!ctl)
		goto no_ctl;
	snprintf(early, sizeof(early), ".%d-%s", (int)getpid(), name);
	ctl->flags = flags;
	ctl->fn = fn;
	ctl->arg = arg;
	ctl->name = strdup(name);
	if (!ctl->name)
		goto no_name;
	ctl->dir = control_address(dir, early, &sun, err);
	if (ctl->dir < 0)
		goto no_dir;
	ctl->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->listen < 0)
		goto no_socket;
	ctl->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (ctl->epoll < 0)
		goto no_epoll;
	/*
	 * It gets its name only when it listens: before, whoever looks for dead sockets would take
	 * it for one. The name may be taken by one that is dead indeed; live ones are kept apart by
	 * pid or by musterd's lock.
	 */
	unlinkat(ctl->dir, early, 0);
	if (bind(ctl->listen, (struct sockaddr *)&sun, sizeof(sun)) ||
	    fchmodat(ctl->dir, early, flags & CONTROL_ANYONE ? 0666 : 0600, 0) ||
	    listen(ctl->listen, 64) || epoll_ctl(ctl->epoll, EPOLL_CTL_ADD, ctl->listen, &ev) ||
	    renameat(ctl->dir, early, ctl->dir, name))
		goto no_listen;
	return ctl;

no_listen:
	snprintf(err, CONTROL_ERR_MAX, "%s: %s", name, strerror(errno));
	unlinkat(ctl->dir, early, 0);
	close(ctl->epoll);
	close(ctl->listen);
	close(ctl->dir);
	free(ctl->name);
	free(ctl);
	return NULL;
no_epoll:
	close(ctl->listen);
no_socket:
	snprintf(err, CONTROL_ERR_MAX, "%s: %s", name, strerror(errno));
	close(ctl->dir);
no_dir:
	free(ctl->name);
	free(ctl);
	return NULL;
no_name:
	free(ctl);
no_ctl:
	snprintf(err, CONTROL_ERR_MAX, "out of memory");
	return NULL;
}

int control_fd(const struct control *ctl)
{
	return ctl->epoll;
}

unsigned control_open(const struct control *ctl)
{
	return ctl->nopen;
}

bool control_gone(const struct control_conn *conn)
{
	return conn->gone;
}

uid_t control_uid(const struct control_conn *conn)
{
	return conn->uid;
}

static void conn_free(struct control_conn *conn)
{
	if (conn->next)
		conn->next->pprev = conn->pprev;
	*conn->pprev = conn->next;
	conn->ctl->nconns--;
	if (conn->fd >= 0)
		close(conn->fd);	/* leaves the epoll set by itself */
	free(conn->out);
	free(conn);
}

static void conn_wait(struct control_conn *conn, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = conn };

	epoll_ctl(conn->ctl->epoll, EPOLL_CTL_MOD, conn->fd, &ev);
}

/* The peer left. While the owner holds the conn, only its socket can go. */
static void conn_lost(struct control_conn *conn)
{
	if (conn->state != CONN_OPEN) {
		conn_free(conn);
		return;
	}
	conn->gone = true;
	close(conn->fd);
	conn->fd = -1;
}

/* Sends what it can; frees the conn if it was ended and all is sent, or if the peer left. */
static void conn_flush(struct control_conn *conn)
{
	size_t done = 0;

	while (!conn->gone && done < conn->out_len) {
		ssize_t n = send(conn->fd, conn->out + done, conn->out_len - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			conn_lost(conn);
			return;
		}
		done += n;
	}
	if (conn->gone)
		done = conn->out_len;
	if (done < conn->out_len)
		memmove(conn->out, conn->out + done, conn->out_len - done);
	conn->out_len -= done;
	if (conn->state == CONN_ENDED && !conn->out_len)
		conn_free(conn);
	else if (!conn->gone)
		/* After the request only hang-ups are of interest, and those always come. */
		conn_wait(conn, (conn->state == CONN_READING ? EPOLLIN : 0) | EPOLLRDHUP |
					(conn->out_len ? EPOLLOUT : 0));
}

static void conn_append(struct control_conn *conn, const char *fmt, va_list ap)
{
	char line[CONTROL_LINE_MAX];
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);

	if (conn->gone || n < 0)
		return;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	/* Lines end up on terminals: names from outside must not move the cursor or forge lines. */
	for (int i = 0; i < n; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (conn->out_len + n > conn->out_size) {
		size_t size = (conn->out_len + n) * 2;
		char *out = realloc(conn->out, size);

		if (!out) {
			/* The client sees an answer without an end, which it takes for a failure. */
			shutdown(conn->fd, SHUT_RDWR);
			return;
		}
		conn->out = out;
		conn->out_size = size;
	}
	memcpy(conn->out + conn->out_len, line, n);
	conn->out_len += n;
}

static void append(struct control_conn *conn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conn_append(conn, fmt, ap);
	va_end(ap);
}

void control_print(struct control_conn *conn, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	conn_append(conn, fmt, ap);
	va_end(ap);
	conn_flush(conn);
}

static void conn_end(struct control_conn *conn)
{
	if (conn->state == CONN_OPEN)
		conn->ctl->nopen--;
	conn->state = CONN_ENDED;
	conn_flush(conn);
}

void control_ok(struct control_conn *conn)
{
	append(conn, "ok");
	conn_end(conn);
}

void control_error(struct control_conn *conn, const char *fmt, ...)
{
	char text[CONTROL_ERR_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	append(conn, "error %s", text);
	conn_end(conn);
}

static void conn_read(struct control_conn *conn)
{
	ssize_t n = recv(conn->fd, conn->in + conn->in_len, sizeof(conn->in) - conn->in_len,
			 MSG_DONTWAIT);
	char *nl;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		conn_lost(conn);
		return;
	}
	conn->in_len += n;
	nl = memchr(conn->in, '\n', conn->in_len);
	if (!nl) {
		if (conn->in_len == sizeof(conn->in))
			control_error(conn, "request longer than %d bytes", CONTROL_LINE_MAX);
		return;
	}
	*nl = 0;
	conn->state = CONN_OPEN;
	conn->ctl->nopen++;
	conn_wait(conn, EPOLLRDHUP);
	conn->ctl->fn(conn, conn->in, conn->ctl->arg);
}

static void conn_event(struct control_conn *conn, uint32_t events)
{
	if (conn->state == CONN_READING && events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		conn_read(conn);
	else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		conn_lost(conn);
	else if (events & EPOLLOUT)
		conn_flush(conn);
}

static void accept_one(struct control *ctl)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	struct control_conn *conn;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = accept4(ctl->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	conn = calloc(1, sizeof(*conn));
	if (!conn || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		free(conn);
		close(fd);
		return;
	}
	conn->ctl = ctl;
	conn->fd = fd;
	conn->uid = cred.uid;
	conn->next = ctl->conns;
	conn->pprev = &ctl->conns;
	if (conn->next)
		conn->next->pprev = &conn->next;
	ctl->conns = conn;
	ctl->nconns++;
	ev.data.ptr = conn;
	if (epoll_ctl(ctl->epoll, EPOLL_CTL_ADD, fd, &ev))
		conn_free(conn);
	else if (!(ctl->flags & CONTROL_ANYONE) && cred.uid != geteuid() && cred.uid != 0)
		control_error(conn, "not yours: it belongs to uid %d", (int)geteuid());
	else if (ctl->nconns > CONNS_MAX)
		control_error(conn, "too many requests at once");
}

void control_run(struct control *ctl)
{
	struct epoll_event ev;

	/* One event at a time: handling one may free the conn of another. */
	for (int i = 0; i < 64 && epoll_wait(ctl->epoll, &ev, 1, 0) > 0; i++) {
		if (ev.data.ptr)
			conn_event(ev.data.ptr, ev.events);
		else
			accept_one(ctl);
	}
}

void control_close(struct control *ctl)
{
	while (ctl->conns) {
		struct control_conn *conn = ctl->conns;

		if (conn->state == CONN_OPEN)
			append(conn, "error it ended before it could answer");
		conn->state = CONN_OPEN;	/* so that flushing frees nothing */
		conn_flush(conn);
		conn_free(conn);
	}
	unlinkat(ctl->dir, ctl->name, 0);
	control_forget(ctl);
}

void control_forget(struct control *ctl)
{
	while (ctl->conns)
		conn_free(ctl->conns);
	close(ctl->epoll);
	close(ctl->listen);
	close(ctl->dir);
	free(ctl->name);
	free(ctl);
}
