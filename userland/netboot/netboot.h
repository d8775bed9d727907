/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * muster netboot: hands the node's kernel to the machines of one network that start over it, and
 * tells of each.
 *
 * The DHCP and TFTP that machines speak is dnsmasq's, a child that dies with us. What happens is
 * read from the wire (packet.c, clients.c): so also what dnsmasq does not hear is seen, such as a
 * question that a firewall drops.
 *
 * Single-threaded: one loop in session.c, no locks. Functions return 0 or a negative errno after
 * printing what is wrong, unless they say otherwise.
 */
#ifndef USERLAND_NETBOOT_NETBOOT_H
#define USERLAND_NETBOOT_NETBOOT_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NETBOOT_MACHINES  "/etc/muster/netboot.d"
#define NETBOOT_BIOS_FILE "muster.0"
#define NETBOOT_EFI_FILE  "muster.efi"
#define NETBOOT_WORDS_MAX 1500 /* bytes of settings for one machine; the kernel's line has 2048 */

struct netboot_opts {
	const char *iface, *range; /* range: FROM,TO or NULL */
	const char *cmdline;	   /* words for every machine, or "" */
	const char *machines;	   /* folder of words for one machine each */
	bool serve, force, verbose;
};

struct netboot_iface {
	char name[IF_NAMESIZE];
	int index;
	uint8_t mac[6];
	struct in_addr addr, mask;
	struct in_addr from, to; /* what --serve hands out */
	bool link;
};

struct netboot {
	const struct netboot_opts *opts;
	struct netboot_iface iface;
	struct in_addr other; /* the DHCP server that was found; 0: none */
	char dir[64];	      /* ours, for as long as we run */
	pid_t dnsmasq;
	bool ready;				   /* it has its ports */
	int log;				   /* what it says */
	int packets, announcements, solicitations; /* sockets; the last may be -1 */
};

/* Prints one line with the time; mac may be NULL. */
void say(const uint8_t *mac, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int64_t now_ms(void);

/* iface.c: looks it up, and works out the range. */
int iface_find(struct netboot *nb);

/* permission.c: may we do this? And in a child: keeps just what dnsmasq needs, and is nobody. */
int permission_check(void);
int permission_drop(void);

/*
 * packet.c: a socket that hears DHCP, PXE and TFTP requests on the interface, both ways, whatever a
 * firewall says.
 */
int packet_open(const struct netboot_iface *iface);

struct udp_packet {
	uint8_t mac[6]; /* of the sender */
	bool ours;	/* we sent it */
	struct in_addr from, to;
	uint16_t from_port, to_port;
	const uint8_t *data; /* in a buffer of packet_read()'s, valid until its next call */
	size_t len;
};

/* The next one that is waiting; false: none. */
bool packet_read(int fd, struct udp_packet *p);

/* probe.c: does a DHCP server answer? Sets *server, to 0 if none does within some seconds. */
int probe_dhcp(const struct netboot_iface *iface, struct in_addr *server);

/* folder.c: the files that are handed out. */
int folder_make(struct netboot *nb);
void folder_remove(const struct netboot *nb);
/*
 * Writes the settings of one machine, as its file in opts->machines says now. words gets all of
 * them, file the path of its own or "". On an error (told) it is given the common ones.
 */
void folder_settings(const struct netboot *nb, const uint8_t *mac, char *words, char *file);
/* The same for every machine that has a file. */
int folder_all_settings(const struct netboot *nb);

/* dnsmasq.c */
int dnsmasq_find(char *path, size_t size);
int dnsmasq_start(struct netboot *nb, const char *path, const sigset_t *mask);
/* Reads what it says; 0 or, when it has ended, -ECHILD. */
int dnsmasq_log(struct netboot *nb);
void dnsmasq_stop(struct netboot *nb);

/* clients.c: who came, and what of it is told. */
void client_packet(const struct netboot *nb, const struct udp_packet *p);
/* dnsmasq has sent a file, or could not. */
void client_file(struct in_addr addr, const char *file, bool sent);
void client_node(const void *announcement, size_t len, struct in_addr from);
/* Says what is overdue; to be called each second. */
void clients_check(const struct netboot *nb);

/*
 * hear.c: the nodes' announcements, and routers that iPXE looks for. Return a socket or a negative
 * errno.
 */
int hear_announcements(const struct netboot_iface *iface);
void hear_node(int fd);
int hear_solicitations(const struct netboot_iface *iface);
void answer_solicitation(int fd, const struct netboot_iface *iface);

/* session.c: all of it, until a signal ends it; returns the exit status. */
int netboot_run(const struct netboot_opts *opts);

#endif
