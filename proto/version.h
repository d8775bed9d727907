/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one place that says which versions talk to each other. Node and home both name theirs in
 * the announcement and in HELLO; a difference is refused with both numbers in the message.
 */
#ifndef PROTO_VERSION_H
#define PROTO_VERSION_H

#define MUSTER_VERSION	"0.1"	/* of the programs, for people */
#define WIRE_VERSION	5	/* of the wire format, for programs: raised by every change to proto/ */

#endif
