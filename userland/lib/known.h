/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes that musterd remembers: those it hears, and those it heard once. */
#ifndef USERLAND_LIB_KNOWN_H
#define USERLAND_LIB_KNOWN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

struct known_node {
	unsigned number;
	bool alive;		/* heard just now */
	char name[WIRE_NAME_MAX];
	char addr[INET_ADDRSTRLEN];	/* where its sessions were last */
	uint16_t port;
	uint8_t mac[6];		/* zeros: it did not say */
	int64_t seen;		/* seconds since 1970, when it was heard last */
};

/*
 * All of them, by number. Returns their count, and in *nodes an array to free(); or a negative
 * errno, with err (CONTROL_ERR_MAX bytes) filled.
 */
int known_query(struct known_node **nodes, char *err);

#define MAC_TEXT_MAX 18
char *mac_text(const uint8_t mac[6], char buf[MAC_TEXT_MAX]);
/* Six numbers of one or two hexadecimal digits, separated by `:` or `-`. */
bool mac_parse(const char *text, uint8_t mac[6]);
bool mac_is_none(const uint8_t mac[6]);

#endif
