/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front is the process that the user's shell knows as mosrun. It looks to the shell as the
 * program itself would: it stops, continues, ends and dies of signals as the program does, and
 * passes on what is sent to it alone. It talks to the deputy over a socket pair (SOCK_SEQPACKET,
 * one struct front_msg a packet; both ends are the same binary).
 */
#ifndef USERLAND_DEPUTY_FRONT_H
#define USERLAND_DEPUTY_FRONT_H

#include <stdbool.h>
#include <sys/types.h>

struct job;
struct session;
struct stub;

enum front_kind {
	/* deputy to front */
	FRONT_ENDED,		/* value: of waitpid() */
	FRONT_STOPPED,		/* value: the stop signal */
	FRONT_CONTINUED,
	FRONT_SAY,		/* text */
	FRONT_FAILED,		/* text: the program was never started */
	/* front to deputy */
	FRONT_SIGNAL,		/* value: the signal, sender: whose */
	FRONT_AWAKE,		/* FRONT_CONTINUED has been seen */
};

struct front_msg {
	int kind;
	int value;
	pid_t sender;
	char text[1024];
};

#define MOSRUN_EXIT_FAILED 125	/* mosrun's own failure; 126 and 127 as the shell has them */

/* mosrun from here on: starts the deputy, waits, and ends as the program did. */
void front_run(const struct job *job) __attribute__((noreturn));

/*
 * The same descriptor, but none of 0 to 2: mosrun may have been started with those closed, and then the
 * next one that is opened gets their number. -1 if there was none.
 */
int fd_above_stdio(int fd);

/* --- the deputy's end (frontlink.c) --- */

void front_attach(int fd, const struct job *job);
void front_set_main(pid_t pid);
pid_t front_main_pid(void);
/* The main program's first execve: where mosrun was asked to place it, or NULL. */
struct session *front_place(pid_t pid);

void front_ended(int status);
void front_stopped(int sig);
void front_continued(void);
/* A signal has reached the main program: if the front reports the same one, it was sent to both. */
void front_signal_seen(struct stub *stub, int sig);

#endif
