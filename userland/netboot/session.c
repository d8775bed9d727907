/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network boot from its checks to its end: one loop over what is heard. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "userland/netboot/netboot.h"

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void say(const uint8_t *mac, const char *fmt, ...)
{
	time_t now = time(NULL);
	char clock[16];
	struct tm tm;
	va_list ap;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	printf("%s  ", clock);
	if (mac)
		printf("%02x:%02x:%02x:%02x:%02x:%02x  ", mac[0], mac[1], mac[2], mac[3], mac[4],
		       mac[5]);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* Is a DHCP server there, and does that suit what we are to be? */
static int look_for_server(struct netboot *nb)
{
	const struct netboot_iface *f = &nb->iface;
	char addr[INET_ADDRSTRLEN];
	int rc;

	if (nb->opts->force)
		return 0;
	rc = probe_dhcp(f, &nb->other);
	if (rc)
		return rc;
	inet_ntop(AF_INET, &nb->other, addr, sizeof(addr));
	if (nb->opts->serve && nb->other.s_addr) {
		fprintf(stderr, "netboot: %s: the DHCP server %s answers here, and two would hand out "
				"the same addresses: leave out --serve to work beside it, or stop it "
				"first (--force serves all the same)\n", f->name, addr);
		return -EADDRINUSE;
	}
	if (!nb->opts->serve && !nb->other.s_addr)
		say(NULL, "%s: no DHCP server answers, and machines need an address: start one, or, "
			  "on a network of its own, use --serve", f->name);
	return 0;
}

static void say_ready(const struct netboot *nb)
{
	const struct netboot_iface *f = &nb->iface;
	char addr[INET_ADDRSTRLEN], from[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &f->addr, addr, sizeof(addr));
	inet_ntop(AF_INET, &f->from, from, sizeof(from));
	inet_ntop(AF_INET, &f->to, to, sizeof(to));
	if (!f->link)
		say(NULL, "%s: no link: is the cable plugged in?", f->name);
	if (nb->opts->serve)
		say(NULL, "%s, %s: DHCP server for %s to %s, and network boot; ^C ends it", f->name,
		    addr, from, to);
	else if (nb->other.s_addr)
		say(NULL, "%s, %s: network boot, beside the DHCP server %s; ^C ends it", f->name,
		    addr, inet_ntoa(nb->other));
	else
		say(NULL, "%s, %s: network boot, addresses come from others; ^C ends it", f->name,
		    addr);
}

/* Until a signal that ends us: 0, or until something fails. */
static int loop(struct netboot *nb, int signals)
{
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = nb->packets, .events = POLLIN },
		{ .fd = nb->log, .events = POLLIN },
		{ .fd = nb->announcements, .events = POLLIN },
		{ .fd = nb->solicitations, .events = POLLIN },
	};
	struct signalfd_siginfo si;
	struct udp_packet p;
	bool said = false;
	int rc = 0;

	while (!rc) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), 1000) < 0 && errno != EINTR)
			return -errno;
		if (read(signals, &si, sizeof(si)) == sizeof(si)) {
			if (si.ssi_signo != SIGHUP)
				return 0;
			say(NULL, "reads %s again", nb->opts->machines);
			folder_all_settings(nb);
		}
		/*
		 * The wire first: what dnsmasq says of a transfer comes after the question for it.
		 */
		while (packet_read(nb->packets, &p))
			client_packet(nb, &p);
		hear_node(nb->announcements);
		if (nb->solicitations >= 0)
			answer_solicitation(nb->solicitations, &nb->iface);
		rc = dnsmasq_log(nb);
		if (!rc && nb->ready && !said) {
			said = true;
			say_ready(nb);
		}
		clients_check(nb);
	}
	return rc;
}

static int serve(struct netboot *nb, const char *dnsmasq)
{
	sigset_t set, old;
	int signals, rc;

	sigemptyset(&set);
	for (const int *sig = (const int[]){ SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0 }; *sig; sig++)
		sigaddset(&set, *sig);
	sigprocmask(SIG_BLOCK, &set, &old);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		rc = -errno;
		fprintf(stderr, "netboot: signalfd: %s\n", strerror(-rc));
		return rc;
	}
	rc = folder_make(nb);
	if (rc)
		goto out_signals;
	rc = nb->packets = packet_open(&nb->iface);
	if (rc < 0)
		goto out_folder;
	rc = nb->announcements = hear_announcements(&nb->iface);
	if (rc < 0)
		goto out_packets;
	nb->solicitations = nb->opts->serve ? hear_solicitations(&nb->iface) : -1;
	rc = dnsmasq_start(nb, dnsmasq, &old);
	if (rc)
		goto out_sockets;
	rc = loop(nb, signals);
	dnsmasq_stop(nb);
	close(nb->log);
out_sockets:
	if (nb->solicitations >= 0)
		close(nb->solicitations);
	close(nb->announcements);
out_packets:
	close(nb->packets);
out_folder:
	folder_remove(nb);
out_signals:
	close(signals);
	return rc;
}

int netboot_run(const struct netboot_opts *opts)
{
	struct netboot nb = { .opts = opts };
	char dnsmasq[PATH_MAX];

	if (iface_find(&nb) || permission_check() || dnsmasq_find(dnsmasq, sizeof(dnsmasq)) ||
	    look_for_server(&nb) || serve(&nb, dnsmasq))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
