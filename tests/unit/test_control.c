/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control sockets: fields, whole conversations with a server in a child, and clients that misbehave.
 * Sources: userland/lib/control.c userland/lib/control_server.c
 */
#include "tests/unit/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userland/lib/control.h"

static char dir[64], err[CONTROL_ERR_MAX];
static struct control_conn *later;
static int turns;

TEST(fields_are_found_by_their_whole_name)
{
	const char *line = "proc\tpid=12\tppid=7\tcmd=a b=c\tempty=\tbad=1x";
	char buf[16], tiny[3];

	CHECK(control_is(line, "proc") && !control_is(line, "pro") && !control_is(line, "process"));
	CHECK_STR(control_field(line, "pid", buf, sizeof(buf)), "12");
	CHECK_STR(control_field(line, "cmd", buf, sizeof(buf)), "a b=c");
	CHECK_STR(control_field(line, "cmd", tiny, sizeof(tiny)), "a ");
	CHECK_STR(control_field(line, "empty", buf, sizeof(buf)), "");
	CHECK(!control_field(line, "id", buf, sizeof(buf)));
	CHECK(!control_field(line, "proc", buf, sizeof(buf)));
	CHECK_EQ(control_field_num(line, "ppid", -1), 7);
	CHECK_EQ(control_field_num(line, "bad", -1), -1);
	CHECK_EQ(control_field_num(line, "empty", -1), -1);
}

static void serve(struct control_conn *conn, char *line, void *arg)
{
	char buf[64];

	(void)arg;
	if (control_is(line, "echo")) {
		control_print(conn, "heard\ttext=%s", control_field(line, "text", buf, 64) ?: "");
		control_ok(conn);
	} else if (control_is(line, "many")) {
		for (int i = 0; i < 20000; i++)
			control_print(conn, "line\tn=%d\tpad=%0100d", i, i);
		control_ok(conn);
	} else if (control_is(line, "later")) {
		later = conn;
		turns = 3;
	} else if (control_is(line, "nasty")) {
		control_print(conn, "x\ttext=a\nok\033[2J");
		control_ok(conn);
	} else if (control_is(line, "quit")) {
		control_ok(conn);
		_exit(0);
	} else {
		control_error(conn, "what is %s", line);
	}
}

static void server(void)
{
	struct control *ctl = control_listen(dir, "s.sock", 0, serve, NULL, err);
	struct pollfd pfd;

	if (!ctl)
		_exit(1);
	pfd = (struct pollfd){ .fd = control_fd(ctl), .events = POLLIN };
	for (;;) {
		poll(&pfd, 1, later ? 5 : -1);
		control_run(ctl);
		if (!later)
			continue;
		control_print(later, "progress\tn=%d", turns);
		if (--turns == 0) {
			control_ok(later);
			later = NULL;
		}
	}
}

static int lines;
static char last[256];

static void line_fn(char *line, void *arg)
{
	(void)arg;
	lines++;
	snprintf(last, sizeof(last), "%s", line);
}

static int call(const char *request)
{
	lines = 0;
	return control_call(dir, "s.sock", 5000, line_fn, NULL, err, "%s", request);
}

TEST(nobody_there)
{
	strcpy(dir, "/tmp/unit-control-XXXXXX");
	CHECK(mkdtemp(dir));
	CHECK_EQ(call("echo"), -ENOENT);
	if (fork() == 0)
		server();
	for (int i = 0; i < 500 && call("echo"); i++)
		usleep(10000);
}

TEST(questions_and_answers)
{
	CHECK_EQ(call("echo\ttext=hello world"), 0);
	CHECK_EQ(lines, 1);
	CHECK_STR(last, "heard\ttext=hello world");
	CHECK_EQ(call("nonsense"), -EREMOTEIO);
	CHECK_STR(err, "what is nonsense");
	CHECK_EQ(call("many"), 0);
	CHECK_EQ(lines, 20000);
	CHECK_EQ(call("later"), 0);
	CHECK_EQ(lines, 3);
	CHECK_STR(last, "progress\tn=1");
}

TEST(an_answer_cannot_forge_lines)
{
	CHECK_EQ(call("nasty"), 0);
	CHECK_EQ(lines, 1);
	CHECK_STR(last, "x\ttext=a?ok?[2J");
}

static int raw(const char *text, size_t len)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.60s/s.sock", dir);
	CHECK(!connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		text += n;
		len -= n;
	}
	return fd;
}

TEST(clients_that_misbehave_harm_nobody)
{
	static char big[3 * CONTROL_LINE_MAX];
	char buf[200] = "";

	memset(big, 'x', sizeof(big));
	close(raw("", 0));
	close(raw("echo", 4));
	close(raw("many\n", 5));	/* does not read its answer */
	close(raw("later\n", 6));	/* leaves before it is answered */
	int idle = raw("ec", 2);
	int fd = raw(big, sizeof(big));
	CHECK(read(fd, buf, sizeof(buf) - 1) > 0);
	CHECK(!strncmp(buf, "error request longer", 20));
	close(fd);
	usleep(50000);
	CHECK_EQ(call("echo\ttext=still here"), 0);
	close(idle);
	CHECK_EQ(call("a\nb"), -EINVAL);
	big[sizeof(big) - 1] = 0;
	CHECK_EQ(call(big), -EMSGSIZE);
}

TEST(deputies_are_found_and_the_dead_removed)
{
	char path[128];
	int status;

	setenv("MUSTER_RUNTIME_DIR", dir, 1);
	CHECK_STR(control_dir(err), dir);
	struct control *ctl = control_listen(NULL, "deputy-12.sock", 0, serve, NULL, err);
	CHECK(ctl);
	struct control *dead = control_listen(NULL, "deputy-13.sock", 0, serve, NULL, err);
	CHECK(dead);
	control_forget(dead);	/* as a killed one leaves it */
	CHECK_EQ(control_each_deputy(NULL, NULL, err), 1);
	snprintf(path, sizeof(path), "%s/deputy-13.sock", dir);
	CHECK(access(path, F_OK));
	control_close(ctl);
	CHECK_EQ(control_each_deputy(NULL, NULL, err), 0);
	CHECK_EQ(call("quit"), 0);
	CHECK(wait(&status) > 0 && status == 0);
	snprintf(path, sizeof(path), "rm -rf %s", dir);
	CHECK(!system(path));
}
