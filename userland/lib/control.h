/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the programs of one home talk to each other: Unix stream sockets in a private folder.
 *
 * One connection carries one request. The client sends one line; the server answers with any number
 * of lines, at once or over time, and a last line `ok` or `error TEXT`. A line is at most
 * CONTROL_LINE_MAX bytes; its first word says what it is, and fields follow it, each after a tab:
 *
 *	verb<TAB>key=value<TAB>key=value...
 *
 * A value may hold spaces, but no control characters: control_print() turns them into `?`.
 *
 * What is asked, and of whom (each line: request -> answer lines):
 *
 *  musterd.sock
 *	nodes			-> node number= addr= port= age_ms= announce=HEX	(nodes.h)
 *	known			-> known number= name= addr= port= mac= alive= (0, 1) seen=	(known.h)
 *	ping			-> (nothing: ok)
 *  deputy-PID.sock
 *	ps [pid=]		-> proc pid= ppid= node= (home or a number) state= (R S T Z)
 *				   utime_ms= rss_kb= calls= comm= cmd= why=
 *				   With pid=, only that process; none is an error.
 *	why pid=		-> event ago_ms= text=	(oldest first: each move and its reason, and
 *				   why it stays where it is)
 *	migrate pid= node=	-> progress text=	(any number)
 *				   moved from= to= frozen_us= bytes= took_ms=	(once it runs there;
 *				   bytes followed in the background, took_ms until they had)
 *				   node= is what the user typed (nodes_find()), or `home`.
 *
 * Everything here is single-threaded: no locks. err is a buffer of CONTROL_ERR_MAX bytes that a
 * failing function fills with a message for people.
 */
#ifndef USERLAND_LIB_CONTROL_H
#define USERLAND_LIB_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_LINE_MAX	8192	/* bytes of a line, newline included */
#define CONTROL_ERR_MAX		512
#define CONTROL_SYSTEM_DIR	"/run/muster"	/* of a system-wide musterd */
#define CONTROL_MUSTERD		"musterd.sock"
#define CONTROL_DEPUTY		"deputy-%d.sock"

/*
 * The folder of the sockets: $MUSTER_RUNTIME_DIR, else $XDG_RUNTIME_DIR/muster, else
 * /run/user/UID/muster, else /tmp/muster-UID. Made (0700) if it is not there, and refused unless it
 * is a folder of ours that nobody else can enter. The string is the library's. NULL: see err.
 */
const char *control_dir(char *err);

/* --- lines --- */

/*
 * Copies the value of field key in line to buf and returns buf; NULL if there is none. A value
 * longer than the buffer is cut.
 */
char *control_field(const char *line, const char *key, char *buf, size_t size);
/* The same as a number; dflt if there is none or it is no number. */
int64_t control_field_num(const char *line, const char *key, int64_t dflt);
/* Is this the line's first word? */
bool control_is(const char *line, const char *verb);

/* --- client --- */

/* One answer line, without its newline; it may be changed by the callee and dies with the call. */
typedef void control_line_fn(char *line, void *arg);

/*
 * Asks the socket name in the folder dir (NULL: control_dir()) and waits for the end of the answer,
 * calling fn (may be NULL) for each line before the last. Each line must come within timeout_ms (-1:
 * wait for ever). Returns 0 for `ok`; -EREMOTEIO for `error TEXT`, with TEXT in err; or another
 * negative errno: -ENOENT or -ECONNREFUSED mean that nobody is there.
 */
int control_call(const char *dir, const char *name, int timeout_ms, control_line_fn *fn, void *arg,
		 char *err, const char *request_fmt, ...) __attribute__((format(printf, 7, 8)));

/*
 * Calls fn with the socket name of each deputy in our folder that lives; removes what dead ones
 * left. Returns how many, or a negative errno with err filled.
 */
int control_each_deputy(void (*fn)(const char *name, pid_t deputy, void *arg), void *arg, char *err);

/* --- server: everything non-blocking, driven by control_run() --- */

struct control;
struct control_conn;

/*
 * A request came. line may be changed and dies with the call. The callee owns conn and must end it,
 * now or later, by exactly one control_ok() or control_error().
 */
typedef void control_request_fn(struct control_conn *conn, char *line, void *arg);

enum {
	CONTROL_ANYONE = 1,	/* every local user may ask; else only our own and root */
};

/* Listens on socket name in dir (NULL: control_dir()), replacing what a dead process left there. */
struct control *control_listen(const char *dir, const char *name, unsigned flags,
			       control_request_fn *fn, void *arg, char *err);
/* For poll or epoll: readable when control_run() has something to do. */
int control_fd(const struct control *ctl);
void control_run(struct control *ctl);
/* Requests not yet ended. */
unsigned control_open(const struct control *ctl);
/* Ends all: unanswered requests get an error. Removes the socket. Their conns are dead after it. */
void control_close(struct control *ctl);
/* In a fork child: forgets everything without touching the socket's name or the peers. */
void control_forget(struct control *ctl);

/* One answer line; the newline is added. */
void control_print(struct control_conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void control_ok(struct control_conn *conn);
void control_error(struct control_conn *conn, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The client has left: the answer interests nobody. The conn must still be ended. */
bool control_gone(const struct control_conn *conn);
uid_t control_uid(const struct control_conn *conn);

#endif
