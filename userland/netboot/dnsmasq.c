/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnsmasq, as proxy-DHCP or DHCP server, and as TFTP server; what it says, and why it may not run.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userland/lib/args.h"
#include "userland/netboot/dhcp.h"
#include "userland/netboot/netboot.h"

#define LINE_SIZE 1024
#define GRACE_MS  2000 /* between SIGTERM and SIGKILL */

/* What it said last, for when it does not start. */
static char line[LINE_SIZE], last_line[LINE_SIZE];
static size_t line_len;

int dnsmasq_find(char *path, size_t size)
{
	const char *env = getenv("PATH");
	char *dirs, *save, *dir;
	bool found = false;

	/* An ordinary PATH does not have the folders of daemons. */
	if (asprintf(&dirs, "%s:/usr/local/sbin:/usr/sbin:/sbin", env ? env : "") < 0)
		return -ENOMEM;
	for (dir = strtok_r(dirs, ":", &save); dir && !found; dir = strtok_r(NULL, ":", &save))
		found = (size_t)snprintf(path, size, "%s/dnsmasq", dir) < size &&
			!access(path, X_OK);
	free(dirs);
	if (found)
		return 0;
	fprintf(stderr, "netboot: dnsmasq is not installed, and it serves DHCP and TFTP here: "
			"`apt install dnsmasq-base` on Debian and its like\n");
	return -ENOENT;
}

static void add_args(struct args *a, const struct netboot *nb, const char *path)
{
	const struct netboot_iface *f = &nb->iface;
	char addr[4][INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &(struct in_addr){ f->addr.s_addr & f->mask.s_addr }, addr[0],
		  sizeof(addr[0]));
	inet_ntop(AF_INET, &f->mask, addr[1], sizeof(addr[1]));
	inet_ntop(AF_INET, &f->from, addr[2], sizeof(addr[2]));
	inet_ntop(AF_INET, &f->to, addr[3], sizeof(addr[3]));
	args_add(a, "%s", path);
	/* In this mode it neither forks nor changes its identity; see permission_drop(). */
	args_add(a, "--no-daemon");
	args_add(a, "--conf-file=/dev/null");
	args_add(a, "--log-facility=-");
	args_add(a, "--port=0");
	args_add(a, "--interface=%s", f->name);
	args_add(a, "--except-interface=lo");
	args_add(a, "--bind-interfaces");
	args_add(a, "--leasefile-ro");
	args_add(a, "--enable-tftp");
	args_add(a, "--tftp-root=%s", nb->dir);
	/* A lab that is switched on: by default 50 transfers at a time. */
	args_add(a, "--tftp-max=1000");
	if (nb->opts->verbose)
		args_add(a, "--log-dhcp");
	if (!nb->opts->serve) {
		args_add(a, "--dhcp-range=%s,proxy,%s", addr[0], addr[1]);
		args_add(a, "--pxe-service=x86PC,Muster,%s", NETBOOT_BIOS_FILE);
		args_add(a, "--pxe-service=X86-64_EFI,Muster,%s", NETBOOT_EFI_FILE);
		args_add(a, "--pxe-service=BC_EFI,Muster,%s", NETBOOT_EFI_FILE);
		return;
	}
	args_add(a, "--dhcp-range=%s,%s,%s,12h", addr[2], addr[3], addr[1]);
	args_add(a, "--dhcp-authoritative");
	/* This machine is neither router nor name server of theirs. */
	args_add(a, "--dhcp-option=option:router");
	args_add(a, "--dhcp-option=option:dns-server");
	args_add(a, "--dhcp-vendorclass=set:bios,PXEClient:Arch:00000");
	args_add(a, "--dhcp-vendorclass=set:efi,PXEClient:Arch:00007");
	args_add(a, "--dhcp-vendorclass=set:efi,PXEClient:Arch:00009");
	args_add(a, "--dhcp-boot=tag:bios,%s", NETBOOT_BIOS_FILE);
	args_add(a, "--dhcp-boot=tag:efi,%s", NETBOOT_EFI_FILE);
	/* iPXE need not look for a proxy: encapsulated option 176, no-pxedhcp. */
	args_add(a, "--dhcp-match=set:ipxe,175");
	args_add(a, "--dhcp-option-force=tag:ipxe,encap:175,176,1b");
}

static void child(const struct args *a, pid_t parent, int log, const sigset_t *mask)
{
	int rc = permission_drop(), null;

	/* After the change of identity, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(log, 1);
	dup2(log, 2);
	setpgid(0, 0); /* ^C is for us, who then end it */
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (rc)
		fprintf(stderr, "dnsmasq: cannot give up root's rights: %s\n", strerror(-rc));
	else
		execv(a->v[0], a->v);
	fprintf(stderr, "dnsmasq: %s: %s\n", a->v[0], strerror(errno));
	_exit(127);
}

int dnsmasq_start(struct netboot *nb, const char *path, const sigset_t *mask)
{
	struct args a = { 0 };
	pid_t parent = getpid();
	int fds[2], rc = 0;

	if (pipe2(fds, O_CLOEXEC)) {
		rc = -errno;
		fprintf(stderr, "netboot: pipe: %s\n", strerror(-rc));
		return rc;
	}
	add_args(&a, nb, path);
	nb->dnsmasq = fork();
	if (nb->dnsmasq == 0)
		child(&a, parent, fds[1], mask);
	if (nb->dnsmasq < 0) {
		rc = -errno;
		nb->dnsmasq = 0;
		fprintf(stderr, "netboot: cannot start %s: %s\n", path, strerror(-rc));
	}
	for (unsigned i = 0; i < a.n; i++)
		free(a.v[i]);
	close(fds[1]);
	nb->log = fds[0];
	fcntl(nb->log, F_SETFL, O_NONBLOCK);
	return rc;
}

/* The process that has the socket with this inode, as "name (pid 12)". */
static bool find_owner(unsigned long inode, char *buf, size_t size)
{
	char want[40], path[300], link[64], comm[32] = "?";
	DIR *proc = opendir("/proc"), *fds;
	const struct dirent *p, *e;
	bool found = false;
	FILE *f;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	while (proc && !found && (p = readdir(proc))) {
		if (atoi(p->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/fd", p->d_name);
		fds = opendir(path);
		while (fds && !found && (e = readdir(fds))) {
			ssize_t n;

			snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", p->d_name, e->d_name);
			n = readlink(path, link, sizeof(link) - 1);
			link[n > 0 ? n : 0] = 0;
			found = !strcmp(link, want);
		}
		if (fds)
			closedir(fds);
		if (!found)
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", p->d_name);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = 0;
		if (f)
			fclose(f);
		snprintf(buf, size, "%s (pid %.20s)", comm, p->d_name);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Tells who has a port that we need. */
static void explain_ports(void)
{
	static const struct {
		unsigned port;
		const char *name;
	} ports[] = { { DHCP_SERVER_PORT, "DHCP" }, { TFTP_PORT, "TFTP" }, { PXE_PORT, "PXE" } };
	FILE *f = fopen("/proc/net/udp", "re");
	char text[256], owner[64];

	while (f && fgets(text, sizeof(text), f)) {
		unsigned long inode;
		unsigned port;

		if (sscanf(text, " %*u: %*x:%x %*x:%*x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu", &port,
			   &inode) != 2)
			continue;
		for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
			if (port == ports[i].port && find_owner(inode, owner, sizeof(owner)))
				fprintf(stderr, "netboot: UDP port %u (%s) is used by %s: "
						"stop that first\n", port, ports[i].name, owner);
	}
	if (f)
		fclose(f);
}

/* `sent FILE to ADDR` and `failed sending FILE to ADDR`. */
static bool is_transfer(const struct netboot *nb, char *p)
{
	static const char sent[] = "sent ", failed[] = "failed sending ";
	bool ok = !strncmp(p, sent, strlen(sent));
	struct in_addr addr;
	char *to;

	if (!ok && strncmp(p, failed, strlen(failed)))
		return false;
	p += ok ? strlen(sent) : strlen(failed);
	to = strstr(p, " to ");
	if (!to || !inet_aton(to + 4, &addr))
		return false;
	*to = 0;
	if (!strncmp(p, nb->dir, strlen(nb->dir)))
		p += strlen(nb->dir) + 1;
	client_file(addr, p, ok);
	return true;
}

/*
 * Lines are `Nov 21 21:16:02 dnsmasq-tftp[123]: text`, or before its log is open `dnsmasq: text`.
 */
static void one_line(struct netboot *nb, char *text)
{
	/* What goes wrong while it runs; most of the rest was seen on the wire. */
	static const char *const problems[] = { "failed",  "cannot",	    "no address",
						"in use",  "not permitted", "Permission",
						"ignoring" };
	bool tftp = strstr(text, "dnsmasq-tftp");
	char *p = strstr(text, ": ");

	p = p ? p + 2 : text;
	snprintf(last_line, sizeof(last_line), "%s", p);
	if (nb->opts->verbose)
		say(NULL, "dnsmasq: %s", p);
	if (!strncmp(p, "started", 7))
		nb->ready = true;
	if ((tftp && is_transfer(nb, p)) || nb->opts->verbose)
		return;
	for (unsigned i = 0; i < sizeof(problems) / sizeof(problems[0]); i++)
		if (strstr(p, problems[i])) {
			say(NULL, "dnsmasq: %s", p);
			return;
		}
}

int dnsmasq_log(struct netboot *nb)
{
	char *end;
	ssize_t n;

	while ((n = read(nb->log, line + line_len, sizeof(line) - 1 - line_len)) > 0) {
		line_len += n;
		line[line_len] = 0;
		while ((end = strchr(line, '\n')) || line_len == sizeof(line) - 1) {
			size_t used = end ? (size_t)(end - line) + 1 : line_len;
			char text[LINE_SIZE] = "";

			memcpy(text, line, end ? used - 1 : used);
			line_len -= used;
			memmove(line, line + used, line_len + 1);
			one_line(nb, text);
		}
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	fprintf(stderr, "netboot: dnsmasq has ended: %s\n",
		*last_line ? last_line : "it said nothing");
	if (strstr(last_line, "in use"))
		explain_ports();
	return -ECHILD;
}

void dnsmasq_stop(struct netboot *nb)
{
	const struct timespec tick = { .tv_nsec = 10000000 };

	if (nb->dnsmasq > 0)
		kill(nb->dnsmasq, SIGTERM);
	for (int64_t start = now_ms(); nb->dnsmasq > 0; nanosleep(&tick, NULL)) {
		if (now_ms() - start > GRACE_MS)
			kill(nb->dnsmasq, SIGKILL); /* it is stopped, perhaps */
		if (waitpid(nb->dnsmasq, NULL, WNOHANG) == nb->dnsmasq)
			nb->dnsmasq = 0;
	}
}
