/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deputy's end of the socket to mosrun's front. */
#include "userland/deputy/front.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userland/deputy/deputy.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

/*
 * A signal sent to the whole process group reaches front and program alike. What the front reports
 * is passed on only if the program has not seen the same from the same sender after this time.
 */
#define BOTH_MS 30
#define SEEN	8
#define SEEN_MS 1000
#define WAKE_MS 100

struct passing {
	struct alarm alarm;
	int sig;
	pid_t sender;
	uint64_t when_ns;
};

static struct watch link_watch;
static const struct job *job;
static bool place;
static bool front_alive;
static pid_t main_pid;
static bool main_ended;
static pid_t front_pid;

static struct {
	int sig;
	pid_t sender;
	uint64_t when_ns;
} seen[SEEN];
static unsigned seen_next;
static struct passing passing[NSIG];
static struct alarm wake_alarm;

static void to_front(int kind, int value, const char *text)
{
	struct front_msg msg = { .kind = kind, .value = value };

	if (!front_alive)
		return;
	if (text)
		snprintf(msg.text, sizeof(msg.text), "%s", text);
	send(link_watch.fd, &msg, sizeof(msg), MSG_NOSIGNAL);
}

void deputy_say(const char *fmt, ...)
{
	char text[1000];
	va_list ap;
	int tty;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	debug("says: %s", text);
	if (front_alive && !main_ended) {
		to_front(FRONT_SAY, 0, text);
		return;
	}
	tty = open("/dev/tty", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (tty >= 0) {
		dprintf(tty, "mosrun: %s\n", text);
		close(tty);
	}
}

pid_t front_main_pid(void)
{
	return main_pid;
}

void front_set_main(pid_t pid)
{
	main_pid = pid;
}

struct session *front_place(pid_t pid)
{
	if (pid != main_pid || !place)
		return NULL;
	place = false;
	return session_to(&job->node);
}

void front_ended(int status)
{
	main_ended = true;
	to_front(FRONT_ENDED, status, NULL);
	/* It may be stopped, as the program was when it was killed. */
	if (front_alive && front_pid)
		kill(front_pid, SIGCONT);
}

void front_stopped(int sig)
{
	alarm_cancel(&wake_alarm);
	to_front(FRONT_STOPPED, sig, NULL);
}

static void wake_front(struct alarm *alarm)
{
	if (!front_alive || !front_pid)
		return;
	/* Again until it answers: it may be just about to stop. */
	kill(front_pid, SIGCONT);
	alarm_set(alarm, MS(WAKE_MS));
}

void front_continued(void)
{
	to_front(FRONT_CONTINUED, 0, NULL);
	wake_front(&wake_alarm);
}

void front_signal_seen(struct stub *stub, int sig)
{
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, stub->pid, 0, &info))
		return;
	seen[seen_next].sig = sig;
	seen[seen_next].sender = info.si_code == SI_USER ? info.si_pid : 0;
	seen[seen_next].when_ns = loop_now();
	seen_next = (seen_next + 1) % SEEN;
}

static void pass_on(struct alarm *alarm)
{
	struct passing *p = container_of(alarm, struct passing, alarm);

	for (unsigned i = 0; i < SEEN; i++)
		if (seen[i].sig == p->sig && seen[i].sender == p->sender &&
		    seen[i].when_ns + MS(SEEN_MS) > p->when_ns) {
			seen[i].sig = 0;
			return;
		}
	if (main_ended)
		return;
	debug("signal %d from %d passed on", p->sig, p->sender);
	kill(main_pid, p->sig);
}

static void on_front_signal(const struct front_msg *msg)
{
	struct passing *p;

	if (main_ended || msg->value <= 0 || msg->value >= NSIG || msg->sender == getpid())
		return;
	p = &passing[msg->value];
	if (alarm_pending(&p->alarm))
		return;
	p->sig = msg->value;
	p->sender = msg->sender;
	p->when_ns = loop_now();
	alarm_set(&p->alarm, MS(BOTH_MS));
}

static void on_front(struct watch *watch, uint32_t events)
{
	struct front_msg msg;
	ssize_t n = recv(watch->fd, &msg, sizeof(msg), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(msg)) {
		front_alive = false;
		loop_unwatch(watch);
		close(watch->fd);
		/* Killed: whoever did that meant the program, which is not known to them. */
		if (!main_ended && main_pid)
			kill(main_pid, SIGKILL);
		return;
	}
	if (msg.kind == FRONT_SIGNAL)
		on_front_signal(&msg);
	else if (msg.kind == FRONT_AWAKE)
		alarm_cancel(&wake_alarm);
}

void front_attach(int fd, const struct job *the_job)
{
	job = the_job;
	place = job->place;
	front_pid = getppid();
	front_alive = true;
	link_watch.fd = fd;
	link_watch.fn = on_front;
	alarm_init(&wake_alarm, wake_front);
	for (int i = 0; i < NSIG; i++)
		alarm_init(&passing[i].alarm, pass_on);
	loop_watch(&link_watch, EPOLLIN);
}
