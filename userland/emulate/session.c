/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The session: network, musterd and nodes up; the command; and all of it down again. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"
#include "userland/lib/control.h"
#include "userland/lib/nodes.h"
#include "userland/lib/programs.h"
#include "userland/lib/remove_tree.h"

#define COMMAND_GRACE_MS 5000	/* between our SIGTERM to the command and SIGKILL */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

/* --- the network --- */

static int choose_network(struct session *s)
{
	const struct emulate_opts *o = s->opts;
	bool tun = network_tun_usable();

	s->relay_fd = -1;
	s->net = o->bridge ? NET_BRIDGE : NET_USER;
	s->udp_port = nodes_port();
	if (s->net == NET_BRIDGE)
		return 0;
	if (!o->command)
		return join_open_relay(s);
	if (o->net == NET_TAP && !tun) {
		fprintf(stderr, "emulate: --net=tap needs /dev/net/tun\n");
		return -EACCES;
	}
	if (o->net != NET_USER && tun) {
		bool silent = o->net == NET_AUTO;
		/* As root without the right to it (in a container), a user namespace may still do. */
		int rc = geteuid() ? -EPERM : network_enter(false, silent);

		if (rc)
			rc = network_enter(true, silent);
		if (rc && !silent)
			return rc;
		if (!rc)
			s->net = NET_TAP;
	}
	if (s->net == NET_USER) {
		s->udp_port = network_free_port(SOCK_DGRAM);
		if (!s->udp_port) {
			fprintf(stderr, "emulate: no free UDP port on 127.0.0.1\n");
			return -EADDRNOTAVAIL;
		}
	} else {
		s->udp_port = MUSTER_PORT;
	}
	return 0;
}

static void environment(const struct session *s)
{
	char number[16], *path;
	const char *old = getenv("PATH"), *bin = program_dir();

	if (!s->opts->command)
		return;
	setenv("MUSTER_RUNTIME_DIR", s->dir, 1);
	snprintf(number, sizeof(number), "%u", s->udp_port);
	setenv("MUSTER_PORT", number, 1);
	unsetenv("MUSTER_GROUP");
	snprintf(number, sizeof(number), "%u", s->opts->nodes);
	setenv("MUSTER_NODES", number, 1);
	/* The tools of this build, not others that may be installed. */
	if (bin && asprintf(&path, "%s%s%s", bin, old ? ":" : "", old ? old : "") > 0) {
		setenv("PATH", path, 1);
		free(path);
	}
}

static int start_musterd(struct session *s)
{
	char path[PATH_MAX], log[PATH_MAX], err[CONTROL_ERR_MAX] = "";
	const struct timespec tick = { .tv_nsec = 10000000 };
	char *argv[] = { path, "--private", NULL };
	pid_t pid;

	program_path("musterd", path, sizeof(path));
	snprintf(log, sizeof(log), "%s/musterd.log", s->opts->keep_logs ?: s->dir);
	pid = child_start(argv, CHILD_OWN_SESSION, &s->old_mask, log, -1);
	if (pid < 0)
		return pid;
	for (int i = 0; i < 500; i++) {
		if (!control_call(NULL, CONTROL_MUSTERD, 1000, NULL, NULL, err, "ping"))
			return 0;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		nanosleep(&tick, NULL);
	}
	fprintf(stderr, "emulate: musterd did not start: %s\n", err);
	return -ECHILD;
}

static int start_dnsmasq(struct session *s)
{
	char log[PATH_MAX], lease[PATH_MAX + 32];
	char *argv[] = { "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
			 "--interface=muster0", "--bind-interfaces", "--user=root", "--group=root",
			 "--pid-file=", "--dhcp-authoritative", "--no-ping",
			 "--dhcp-range=10.77.0.11,10.77.0.250,255.255.255.0,1h", lease, NULL };
	pid_t pid;

	snprintf(lease, sizeof(lease), "--dhcp-leasefile=%s/dhcp.leases", s->dir);
	snprintf(log, sizeof(log), "%s/dnsmasq.log", s->opts->keep_logs ?: s->dir);
	pid = child_start(argv, CHILD_OWN_SESSION, &s->old_mask, log, -1);
	usleep(100000);
	if (pid > 0 && waitpid(pid, NULL, WNOHANG) == pid) {
		fprintf(stderr, "emulate: --dhcp needs dnsmasq, which did not start; see %s\n", log);
		return -ECHILD;
	}
	return pid < 0 ? pid : 0;
}

/* --- the nodes --- */

/*
 * Each machine of a cluster has an address of its own; in the user's there may be nodes of other
 * emulations, too.
 */
static void give_mac(const struct session *s, struct vm *vm)
{
	static const uint8_t alone[6] = { 0x52, 0x54, 0x00, 0x77, 0x00 };
	unsigned front = getppid();
	const uint8_t joined[6] = { 0x52, 0x55, front >> 16, front >> 8, front };

	memcpy(vm->mac, s->opts->command ? alone : joined, sizeof(vm->mac));
	vm->mac[5] = vm->number;
}

static int start_nodes(struct session *s)
{
	const char *logs = s->opts->keep_logs ?: s->dir;

	for (unsigned i = 0; i < s->opts->nodes; i++) {
		struct vm *vm = &s->vms[i];
		int rc;

		vm->number = i + 1;
		snprintf(vm->name, sizeof(vm->name), "%s%u", s->opts->name, vm->number);
		give_mac(s, vm);
		snprintf(vm->log, sizeof(vm->log), "%s/%s.log", logs, vm->name);
		snprintf(vm->qemu_log, sizeof(vm->qemu_log), "%s/%s.qemu.log", logs, vm->name);
		/* An old log might show an old panic. */
		unlink(vm->log);
		unlink(vm->qemu_log);
		snprintf(vm->addr, sizeof(vm->addr), "10.77.0.%u", 10 + vm->number);
		if (s->net == NET_USER) {
			vm->port = network_free_port(SOCK_STREAM);
			snprintf(vm->addr, sizeof(vm->addr), "127.0.0.1:%u", vm->port);
		}
		rc = vm_start(s, vm);
		if (rc)
			return rc;
	}
	return 0;
}

static void node_ended(struct session *s, struct vm *vm, int status)
{
	bool panicked = vm_panicked(vm);

	vm->pid = 0;
	vm->panicked = panicked;
	if (WIFSIGNALED(status))
		fprintf(stderr, "emulate: %s was killed by signal %d\n", vm->name,
			WTERMSIG(status));
	else
		fprintf(stderr, "emulate: %s %s\n", vm->name,
			panicked ? "panicked" : "has stopped");
	if (panicked) {
		s->panicked = true;
		vm_print_tail(vm);
	}
}

int session_reap(struct session *s)
{
	int status, result = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->command)
			result = status;
		for (unsigned i = 0; i < s->opts->nodes; i++)
			if (s->vms[i].pid == pid)
				node_ended(s, &s->vms[i], status);
			else if (s->vms[i].switching_off == pid)
				s->vms[i].switching_off = status ? -1 : 0;
	}
	return result;
}

static unsigned heard(struct session *s)
{
	struct node *nodes;
	char err[CONTROL_ERR_MAX];
	int count = nodes_query(&nodes, err);
	unsigned found = 0;

	for (int i = 0; i < count; i++)
		for (unsigned j = 0; j < s->opts->nodes; j++)
			if (!memcmp(nodes[i].last.mac, s->vms[j].mac, sizeof(s->vms[j].mac))) {
				found++;
				if (s->net != NET_USER)
					snprintf(s->vms[j].addr, sizeof(s->vms[j].addr), "%s",
						 nodes[i].addr);
			}
	if (count >= 0)
		free(nodes);
	return found;
}

/* Returns 0 when all are there, the number of a signal that came meanwhile, or a negative errno. */
static int wait_nodes(struct session *s, int sigfd, uint64_t started)
{
	struct pollfd pfd = { .fd = sigfd, .events = POLLIN };
	struct signalfd_siginfo si;
	unsigned found;

	while ((found = heard(s)) < s->opts->nodes) {
		if (poll(&pfd, 1, 50) > 0 && read(sigfd, &si, sizeof(si)) == sizeof(si) &&
		    si.ssi_signo != SIGCHLD)
			return si.ssi_signo;
		join_relay(s);
		session_reap(s);
		for (unsigned i = 0; i < s->opts->nodes; i++)
			if (!s->vms[i].pid) {
				fprintf(stderr, "emulate: %s did not come up\n", s->vms[i].name);
				if (!s->panicked)
					vm_print_tail(&s->vms[i]);
				return -ENODEV;
			}
		if (now_ms() - started > s->opts->timeout_s * 1000ull) {
			fprintf(stderr,
				"emulate: %u of %u nodes announced themselves in %u s; the consoles "
				"say:\n", found, s->opts->nodes, s->opts->timeout_s);
			for (unsigned i = 0; i < s->opts->nodes && i < 4; i++)
				vm_print_tail(&s->vms[i]);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static void print_nodes(const struct session *s, uint64_t started)
{
	static const char *const nets[] = { [NET_TAP] = "own network", [NET_USER] = "QEMU's NAT",
					    [NET_BRIDGE] = "on the bridge" };
	const struct emulate_opts *o = s->opts;

	fprintf(stderr, "emulate:");
	for (unsigned i = 0; i < o->nodes && i < 8; i++)
		fprintf(stderr, " %s %s,", s->vms[i].name, s->vms[i].addr);
	fprintf(stderr, "%s %u CPU%s and %u MB each, %s, %s, %s; up in %.1f s\n",
		o->nodes > 8 ? " ...," : "", o->cpus, o->cpus > 1 ? "s" : "", o->memory_mb, o->nic,
		s->kvm ? "KVM" : "emulated CPU", nets[s->net],
		(now_ms() - started) / 1000.0);
}

/* --- the command --- */

/* Signals that the terminal sent to the whole group have reached the command already. */
static void pass_signal(struct session *s, const struct signalfd_siginfo *si, uint64_t *deadline)
{
	if (si->ssi_signo == SIGCHLD || !s->command)
		return;
	if (si->ssi_code != SI_KERNEL)
		kill(s->command, si->ssi_signo);
	if (si->ssi_signo == SIGTERM || si->ssi_signo == SIGHUP)
		*deadline = now_ms() + COMMAND_GRACE_MS;
}

static int run_command(struct session *s, int sigfd)
{
	struct pollfd pfd = { .fd = sigfd, .events = POLLIN };
	struct signalfd_siginfo si;
	uint64_t deadline = 0;
	int status;

	s->command = child_start(s->opts->command, 0, &s->old_mask, NULL, -1);
	if (s->command < 0) {
		s->command = 0;
		return EMULATE_EXIT_FAILED;
	}
	while ((status = session_reap(s)) < 0) {
		poll(&pfd, 1, deadline ? 100 : -1);
		if (pfd.revents && read(sigfd, &si, sizeof(si)) == sizeof(si))
			pass_signal(s, &si, &deadline);
		if (deadline && now_ms() > deadline)
			kill(s->command, SIGKILL);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* After the command: a node that panics without ending its QEMU is found here. */
static void look_for_panics(struct session *s)
{
	session_reap(s);
	for (unsigned i = 0; i < s->opts->nodes; i++)
		if (s->vms[i].pid && vm_panicked(&s->vms[i])) {
			fprintf(stderr, "emulate: %s panicked\n", s->vms[i].name);
			vm_print_tail(&s->vms[i]);
			s->panicked = true;
		}
}

int session_run(const struct emulate_opts *opts, const char *dir, const sigset_t *old_mask)
{
	static struct session session;
	struct session *s = &session;
	uint64_t started = now_ms();
	sigset_t set;
	int sigfd, rc, status = EMULATE_EXIT_FAILED;
	pid_t front = getppid();

	s->opts = opts;
	s->dir = dir;
	s->old_mask = *old_mask;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	for (const int *sig = (const int[]){ SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0 }; *sig;
	     sig++)
		sigaddset(&set, *sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC);

	rc = choose_network(s);
	/* Only now: new credentials would have undone it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (rc || getppid() != front)
		goto out;
	s->kvm = opts->accel == ACCEL_AUTO ? kvm_works() : opts->accel == ACCEL_KVM;
	environment(s);
	if (opts->keep_logs && mkdir(opts->keep_logs, 0755) && errno != EEXIST) {
		fprintf(stderr, "emulate: %s: %s\n", opts->keep_logs, strerror(errno));
		goto out;
	}
	if ((opts->command && start_musterd(s)) || (opts->dhcp && s->net == NET_TAP && start_dnsmasq(s)) ||
	    start_nodes(s))
		goto out;
	rc = wait_nodes(s, sigfd, started);
	if (rc > 0)
		status = 128 + rc;
	if (rc)
		goto out;
	if (!opts->quiet)
		print_nodes(s, started);
	status = opts->command ? run_command(s, sigfd) : join_run(s, sigfd);
	look_for_panics(s);
out:
	if (s->panicked && !opts->allow_panic)
		status = EMULATE_EXIT_PANIC;
	children_end();
	remove_tree(dir);
	return status;
}
