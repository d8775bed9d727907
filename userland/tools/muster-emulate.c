/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * muster emulate N [-- CMD]: the front process. It reads the options, makes the runtime folder, starts
 * the session, passes signals on to it, and cleans up after it if it could not do so itself.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/version.h"
#include "userland/emulate/emulate.h"
#include "userland/lib/remove_tree.h"

#define DIR_FORMAT "/tmp/muster-emulate-%d-"	/* the front's pid */

const char *argp_program_version = "muster emulate (muster) " MUSTER_VERSION;

static struct emulate_opts opts = {
	.cpus = 2, .memory_mb = 512, .timeout_s = 60,
	.nic = "e1000", .image = "kernel", .append = "",
};

static bool counted;

static unsigned number(const char *arg, const char *what, unsigned min, unsigned max,
		       struct argp_state *state)
{
	char *end;
	unsigned long v = strtoul(arg, &end, 10);

	if (*end || !*arg || v < min || v > max)
		argp_error(state, "%s must be a number from %u to %u: %s", what, min, max, arg);
	return v;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const nets[] = { "auto", "tap", "user" };
	static const char *const accels[] = { "auto", "tcg", "kvm" };

	switch (key) {
	case 'c':
		opts.cpus = number(arg, "--cpus", 1, 255, state);
		return 0;
	case 'm':
		opts.memory_mb = number(arg, "--memory", 16, 1 << 20, state);
		return 0;
	case 't':
		opts.timeout_s = number(arg, "--timeout", 1, 86400, state);
		return 0;
	case 'C':
		opts.cpu_model = arg;
		return 0;
	case 'n':
		opts.nic = arg;
		return 0;
	case 'k':
		opts.keep_logs = arg;
		return 0;
	case 'i':
		opts.image = arg;
		return 0;
	case 'f':
		opts.image_file = arg;
		return 0;
	case 'a':
		/* It becomes part of a quoted string of GRUB's and of one line of QEMU's. */
		if (strpbrk(arg, "\"$\\`\n"))
			argp_error(state, "--append must not hold quotes, $, backslash or newline");
		opts.append = arg;
		return 0;
	case 'w':
		for (unsigned i = 0; i < 3; i++)
			if (!strcmp(arg, nets[i])) {
				opts.net = (enum emulate_net)i;
				return 0;
			}
		argp_error(state, "--net must be auto, tap or user: %s", arg);
		return 0;
	case 'x':
		for (unsigned i = 0; i < 3; i++)
			if (!strcmp(arg, accels[i])) {
				opts.accel = (enum emulate_accel)i;
				return 0;
			}
		argp_error(state, "--accel must be auto, tcg or kvm: %s", arg);
		return 0;
	case 'b':
		opts.bridge = arg;
		return 0;
	case 'N':
		/* With a number behind it, it must pass announce_check(). */
		if (!*arg || strlen(arg) > WIRE_NAME_MAX - 4 || strpbrk(arg, " \t\"$\\`\n/"))
			argp_error(state, "--name must be a short word: %s", arg);
		opts.name = arg;
		return 0;
	case 'd':
		opts.dhcp = true;
		return 0;
	case 'q':
		opts.quiet = true;
		return 0;
	case 'r':
		opts.reboot = true;
		return 0;
	case 'p':
		opts.allow_panic = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			counted = true;
			opts.nodes = number(arg, "the number of nodes", 0, EMULATE_NODES_MAX,
					    state);
			return 0;
		}
		opts.command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (!counted || (!opts.nodes && !opts.command))
			argp_error(state, "how many nodes?");
		if (!opts.command && (opts.net == NET_TAP || (opts.dhcp && !opts.bridge)))
			argp_error(state, "--net=tap and --dhcp are for the private network of a command");
		if (opts.bridge && opts.command)
			argp_error(state, "--bridge is for nodes of your own cluster, without a command");
		if (!opts.name)
			opts.name = opts.command ? "node" : "emu";
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Folders whose front was killed together with its session. */
static void sweep(void)
{
	DIR *tmp = opendir("/tmp");
	struct dirent *e;

	while (tmp && (e = readdir(tmp))) {
		char path[300];
		struct stat st;
		int pid;

		snprintf(path, sizeof(path), "/tmp/%s", e->d_name);
		if (sscanf(path, DIR_FORMAT, &pid) == 1 && kill(pid, 0) && errno == ESRCH &&
		    !lstat(path, &st) && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			remove_tree(path);
	}
	if (tmp)
		closedir(tmp);
}

/* Waits for the session; what somebody sends to us alone, it gets too. */
static int wait_session(pid_t pid, const sigset_t *set)
{
	siginfo_t si;
	int status;

	for (;;) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		if (sigwaitinfo(set, &si) < 0)
			continue;
		if (si.si_signo != SIGCHLD && si.si_code != SI_KERNEL)
			kill(pid, si.si_signo);
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "cpus", 'c', "N", 0, "CPUs of each node (2)", 0 },
		{ "cpu", 'C', "MODEL", 0, "the CPU, as QEMU's -cpu has it: max,-avx2 for example", 0 },
		{ "memory", 'm', "MB", 0, "memory of each node (512)", 0 },
		{ "nic", 'n', "MODEL", 0, "network card, as QEMU calls it (e1000; the manual page lists them)", 0 },
		{ "image", 'i', "KIND", 0, "boot by: kernel (directly), floppy, iso (kernel)", 0 },
		{ "image-file", 'f', "FILE", 0, "the file of that kind to boot", 0 },
		{ "append", 'a', "WORDS", 0, "more words for the kernels' command lines", 0 },
		{ "net", 'w', "KIND", 0,
		  "tap: own network (root, or /dev/net/tun open to all); user: QEMU's NAT; auto (auto)",
		  0 },
		{ "bridge", 'b', "NAME", 0,
		  "without a command: on this existing bridge, as machines of that network (root)", 0 },
		{ "name", 'N', "WORD", 0, "call them WORD1, WORD2... (node; emu without a command)", 0 },
		{ "accel", 'x', "KIND", 0, "tcg: CPUs emulated in software; kvm; auto: kvm if it works", 0 },
		{ "dhcp", 'd', NULL, 0, "addresses by DHCP (dnsmasq) instead of fixed ones", 0 },
		{ "timeout", 't', "S", 0, "seconds to wait for the nodes (60)", 0 },
		{ "keep-logs", 'k', "DIR", 0, "write consoles and logs to DIR and leave them", 0 },
		{ "allow-panic", 'p', NULL, 0, "a node's panic does not change the exit status", 0 },
		{ "reboot", 'r', NULL, 0, "a node that resets starts anew, instead of ending", 0 },
		{ "quiet", 'q', NULL, 0, "do not say which nodes are up", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, "N -- COMMAND [ARG...]\nN",
		"Starts N nodes in QEMU on a private network, runs COMMAND with them, stops them. Without "
		"a COMMAND the nodes join your cluster, and a table of them is shown until ^C.\v"
		"The nodes are called node1, node2... and have these numbers. COMMAND sees only them: "
		"MUSTER_RUNTIME_DIR and MUSTER_PORT are set for it, and the tools beside this one come "
		"first in its PATH. In $MUSTER_RUNTIME_DIR, node1.log is a node's console, node1.pid its "
		"QEMU and node1.monitor QEMU's monitor. Exit status: that of COMMAND, 128+N if signal N "
		"ended it; 99 a node panicked; 125 the nodes did not start.",
		NULL, NULL, NULL
	};
	char dir[64];
	sigset_t set, old;
	pid_t pid;
	int status;

	argp_err_exit_status = EMULATE_EXIT_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, NULL);
	sweep();
	snprintf(dir, sizeof(dir), DIR_FORMAT "XXXXXX", (int)getpid());
	if (!mkdtemp(dir)) {
		fprintf(stderr, "emulate: %s: %s\n", dir, strerror(errno));
		return EMULATE_EXIT_FAILED;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	for (const int *sig = (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0 }; *sig;
	     sig++)
		sigaddset(&set, *sig);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = fork();
	if (pid < 0) {
		perror("emulate: fork");
		remove_tree(dir);
		return EMULATE_EXIT_FAILED;
	}
	if (pid == 0)
		_exit(session_run(&opts, dir, &old));
	status = wait_session(pid, &set);
	children_end();
	remove_tree(dir);
	return status;
}
