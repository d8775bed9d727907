/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * muster emulate N without a command: the nodes belong to the user's own cluster until ^C.
 *
 * Behind QEMU's NAT their multicast reaches nobody, so they announce themselves to a port of ours,
 * and we pass that on to the group on the loopback interface, where every musterd of this machine
 * hears it. On a bridge they are on the network like any other machine.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/announce.h"
#include "userland/emulate/emulate.h"
#include "userland/lib/control.h"
#include "userland/lib/nodes.h"
#include "userland/lib/programs.h"
#include "userland/lib/table_print.h"

int join_open_relay(struct session *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &sin.sin_addr, sizeof(sin.sin_addr))) {
		int e = errno;

		fprintf(stderr, "emulate: a UDP port of 127.0.0.1: %s\n", strerror(e));
		if (fd >= 0)
			close(fd);
		return -e;
	}
	s->relay_fd = fd;
	s->udp_port = ntohs(sin.sin_port);
	return 0;
}

static struct vm *vm_of(struct session *s, const uint8_t *mac)
{
	for (unsigned i = 0; i < s->opts->nodes; i++)
		if (!memcmp(s->vms[i].mac, mac, sizeof(s->vms[i].mac)))
			return &s->vms[i];
	return NULL;
}

void join_relay(struct session *s)
{
	const char *group = getenv("MUSTER_GROUP") ?: MUSTER_GROUP;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(nodes_port()) };
	union {
		struct announce a;
		char bytes[sizeof(struct announce) + 1]; /* one more: longer ones show */
	} u;
	ssize_t n;

	if (s->relay_fd < 0 || inet_pton(AF_INET, group, &to.sin_addr) != 1)
		return;
	while ((n = recv(s->relay_fd, &u, sizeof(u), 0)) >= 0)
		if (!announce_check(&u, n) && vm_of(s, u.a.mac))
			sendto(s->relay_fd, &u, n, 0, (struct sockaddr *)&to, sizeof(to));
}

/* --- the table --- */

static const char *state_of(const struct vm *vm, const struct node *heard)
{
	if (!vm->pid)
		return vm->panicked ? "panicked" : "off";
	return !heard ? "starting" : heard->last.flags & ANNOUNCE_CLOSED ? "closed" : "up";
}

static const struct node *find(const struct node *nodes, int count, const struct vm *vm)
{
	for (int i = 0; i < count; i++)
		if (!memcmp(nodes[i].last.mac, vm->mac, sizeof(vm->mac)))
			return &nodes[i];
	return NULL;
}

static void print_table(struct session *s, FILE *out)
{
	static const char *const heads[] = { ">NODE", "NAME", "ADDRESS", "STATE", ">CPUS", "CPU",
					     ">MEMORY", ">FREE", "CARD", ">LOAD", ">GUESTS", NULL };
	struct columns *c = columns_new(heads);
	char err[CONTROL_ERR_MAX];
	struct node *nodes;
	int count = nodes_query(&nodes, err);

	for (unsigned i = 0; i < s->opts->nodes; i++) {
		const struct vm *vm = &s->vms[i];
		const struct node *n = vm->pid ? find(nodes, count, vm) : NULL;
		char number[16] = "-", addr[40] = "-", cpus[16], memory[16], free_mem[16] = "-";
		char load[16] = "-", guests[16] = "-";
		const char *const cells[] = { number, vm->name, addr, state_of(vm, n), cpus,
					      s->kvm ? "KVM" : "emulated", memory, free_mem,
					      s->opts->nic, load, guests };

		snprintf(cpus, sizeof(cpus), "%u", s->opts->cpus);
		human_bytes((uint64_t)s->opts->memory_mb << 20, memory, sizeof(memory));
		if (n) {
			snprintf(number, sizeof(number), "%u", n->number);
			snprintf(addr, sizeof(addr), "%s:%u", n->addr, n->port);
			human_bytes(n->last.mem_free, free_mem, sizeof(free_mem));
			snprintf(load, sizeof(load), "%.2f", n->last.load / 100.0);
			snprintf(guests, sizeof(guests), "%u", n->last.guests);
		}
		columns_row(c, cells);
	}
	if (count >= 0)
		free(nodes);
	else
		fprintf(stderr, "emulate: %s\n", err);
	columns_print(c, out);
}

/* On a terminal the table stays in its place and follows the nodes; elsewhere it is printed once. */
static void show(struct session *s, bool live, bool first)
{
	if (live && !first)
		printf("\033[%uA\033[J", s->opts->nodes + 2);
	if (live || first)
		print_table(s, stdout);
	if (live)
		printf("^C sends the guests home and switches the nodes off.\n");
	fflush(stdout);
}

/* --- the end --- */

/* Each node sends its guests home first. A second signal does not wait for that. */
static void power_off(struct session *s, int sigfd)
{
	struct pollfd pfds[] = { { .fd = sigfd, .events = POLLIN },
				 { .fd = s->relay_fd, .events = POLLIN } };
	char path[PATH_MAX];
	struct signalfd_siginfo si;
	unsigned running = 0;

	program_path("mosctl", path, sizeof(path));
	for (unsigned i = 0; i < s->opts->nodes; i++) {
		struct vm *vm = &s->vms[i];
		char *argv[] = { path, "poweroff", vm->addr, NULL };

		if (vm->pid)
			vm->switching_off = child_start(argv, CHILD_OWN_SESSION, &s->old_mask,
							NULL, -1);
		running += vm->pid && vm->switching_off > 0;
	}
	if (running && !s->opts->quiet)
		fprintf(stderr, "emulate: the guests go home, the nodes switch off; ^C again does "
				"not wait\n");
	while (running) {
		poll(pfds, 2, -1);
		join_relay(s);
		if (pfds[0].revents && read(sigfd, &si, sizeof(si)) == sizeof(si) &&
		    si.ssi_signo != SIGCHLD)
			return;
		session_reap(s);
		running = 0;
		for (unsigned i = 0; i < s->opts->nodes; i++)
			/* One that could not be told is simply ended with us. */
			running += s->vms[i].pid && s->vms[i].switching_off >= 0;
	}
}

int join_run(struct session *s, int sigfd)
{
	struct pollfd pfds[] = { { .fd = sigfd, .events = POLLIN },
				 { .fd = s->relay_fd, .events = POLLIN },
				 { .events = POLLIN } };
	const struct itimerspec second = { { 1, 0 }, { 1, 0 } };
	bool live = isatty(STDOUT_FILENO) && !s->opts->quiet;
	struct signalfd_siginfo si = { 0 };
	uint64_t ticks;

	pfds[2].fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	timerfd_settime(pfds[2].fd, 0, &second, NULL);
	if (!s->opts->quiet)
		show(s, live, true);
	for (;;) {
		unsigned running = 0;

		poll(pfds, 3, -1);
		join_relay(s);
		if (pfds[0].revents && read(sigfd, &si, sizeof(si)) == sizeof(si) &&
		    si.ssi_signo != SIGCHLD)
			break;
		session_reap(s);
		for (unsigned i = 0; i < s->opts->nodes; i++)
			running += s->vms[i].pid != 0;
		if (!running)
			return s->panicked ? EMULATE_EXIT_PANIC : 0;
		if (pfds[2].revents && read(pfds[2].fd, &ticks, sizeof(ticks)) > 0 && live)
			show(s, live, false);
	}
	power_off(s, sigfd);
	return si.ssi_signo == SIGINT ? 0 : 128 + si.ssi_signo;
}
