/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * muster emulate: nodes in QEMU, on a network of their own for as long as one command runs, or as
 * part of the user's cluster until he ends them.
 *
 * Two processes. The front (tools/muster-emulate.c) is what the user sees and signals; it only waits.
 * The session, its child, owns everything else: the network namespace, the QEMUs, a private musterd,
 * the command. Whichever of the two dies, the other cleans up; and everything the session starts dies
 * with it (PR_SET_PDEATHSIG), and the unnamed namespace with the last process in it. So nothing is
 * left behind even by SIGKILL.
 *
 * Single-threaded: no locks. Functions return 0 or a negative errno after printing what is wrong.
 */
#ifndef USERLAND_EMULATE_EMULATE_H
#define USERLAND_EMULATE_EMULATE_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/limits.h"

#define EMULATE_NODES_MAX	200	/* addresses 10.77.0.11 to .210 */
#define EMULATE_EXIT_PANIC	99	/* a node panicked, whatever the command said */
#define EMULATE_EXIT_FAILED	125	/* the nodes did not start: the command was not run */

enum emulate_net { NET_AUTO, NET_TAP, NET_USER, NET_BRIDGE };
enum emulate_accel { ACCEL_AUTO, ACCEL_TCG, ACCEL_KVM };

struct emulate_opts {
	unsigned nodes, cpus, memory_mb, timeout_s;
	const char *nic;	/* QEMU's name of the card */
	const char *image;	/* kernel, floppy or iso */
	const char *image_file;	/* instead of the one found by image_path() */
	const char *cpu_model;	/* as QEMU's -cpu, or NULL */
	const char *append;	/* further words for the kernels' command line, or "" */
	const char *keep_logs;	/* a folder, or NULL */
	const char *bridge;	/* NET_BRIDGE: an existing one of this machine */
	const char *name;	/* the nodes are called name1, name2... */
	enum emulate_net net;
	enum emulate_accel accel;
	bool dhcp, quiet, allow_panic, reboot;
	char **command;		/* NULL: none, the nodes join the user's cluster */
};

struct vm {
	unsigned number;
	uint8_t mac[6];
	char name[WIRE_NAME_MAX];
	char addr[32];		/* as musterd hears it */
	char log[PATH_MAX];	/* its serial console */
	char qemu_log[PATH_MAX];	/* QEMU's own messages */
	uint16_t port;		/* NET_USER: forwarded to the node's sessions */
	pid_t pid;		/* 0: not running */
	pid_t switching_off;	/* a mosctl that tells the node to; 0: none */
	bool panicked;
};

struct session {
	const struct emulate_opts *opts;
	const char *dir;	/* runtime folder, removed at the end */
	sigset_t old_mask;	/* what the command gets */
	enum emulate_net net;	/* not NET_AUTO */
	uint16_t udp_port;	/* where home hears the nodes */
	int relay_fd;		/* join.c; -1: none */
	bool kvm, panicked;
	struct vm vms[EMULATE_NODES_MAX];
	pid_t command;
};

/* session.c: the whole life of the session; returns the exit status. */
int session_run(const struct emulate_opts *opts, const char *dir, const sigset_t *old_mask);
/*
 * Takes what children have ended, and says so of nodes. Returns the command's wait status, or -1
 * while it runs.
 */
int session_reap(struct session *s);

/* join.c */
int join_open_relay(struct session *s);
void join_relay(struct session *s);
/* Shows the nodes until a signal comes, then switches them off; returns the exit status. */
int join_run(struct session *s, int sigfd);

/* vm.c */
int vm_start(struct session *s, struct vm *vm);
/* Has this node said that it panicked? */
bool vm_panicked(const struct vm *vm);
void vm_print_tail(const struct vm *vm);

/* network.c: enters a namespace with a bridge, home at 10.77.0.1; silent is for a mere attempt. */
int network_enter(bool new_user, bool silent);
/* An open tap on a bridge (NULL: that one), to be handed to a QEMU; it goes when that ends. */
int network_tap(const char *bridge);
bool network_tun_usable(void);
/* A port of 127.0.0.1 that is free now, or 0. */
uint16_t network_free_port(int type);

/* kvm.c: can a virtual CPU really run here? A device node alone does not tell. */
bool kvm_works(void);

/*
 * image.c: writes to out a copy of the image file whose settings (muster.cfg) are replaced by these
 * words for the kernel, and which does not wait for a key.
 */
int image_with_args(const char *file, const char *args, const char *out);

/* children.c */
enum {
	CHILD_OWN_SESSION = 1,	/* out of reach of the terminal's signals */
};
/*
 * Starts argv with the signal mask mask; it dies with us. log (or NULL) takes its output, keep_fd
 * (or -1) stays open in it. Returns the pid or a negative errno.
 */
pid_t child_start(char *const argv[], unsigned flags, const sigset_t *mask, const char *log,
		  int keep_fd);
/* Ends every descendant of this (subreaper) process: asks, then kills. */
void children_end(void);

#endif
