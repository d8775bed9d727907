/* SPDX-License-Identifier: GPL-2.0-or-later */
/* muster netboot IFACE: machines on that network start as nodes, without a disk. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/version.h"
#include "userland/netboot/netboot.h"

const char *argp_program_version = "muster netboot (muster) " MUSTER_VERSION;

static struct netboot_opts opts = { .cmdline = "", .machines = NETBOOT_MACHINES };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		opts.serve = true;
		opts.range = arg;
		return 0;
	case 'c':
		/* It becomes part of a quoted string of GRUB's. */
		for (const char *p = arg; *p; p++)
			if (*p < ' ' || *p > '~' || strchr("\"$\\`", *p))
				argp_error(
					state,
					"--cmdline must not hold quotes, $, backslash or what is "
					"not ASCII");
		if (strlen(arg) >= NETBOOT_WORDS_MAX)
			argp_error(state, "--cmdline is longer than %d bytes",
				   NETBOOT_WORDS_MAX - 1);
		opts.cmdline = arg;
		return 0;
	case 'm':
		opts.machines = arg;
		return 0;
	case 'f':
		opts.force = true;
		return 0;
	case 'v':
		opts.verbose = true;
		return 0;
	case ARGP_KEY_ARG:
		if (opts.iface)
			argp_error(state, "one interface at a time: %s", arg);
		opts.iface = arg;
		return 0;
	case ARGP_KEY_END:
		if (!opts.iface)
			argp_error(state, "on which interface? `ip link` lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "serve", 's', "FROM,TO", OPTION_ARG_OPTIONAL,
		  "be the DHCP server of this network, too (for half of its addresses)", 0 },
		{ "cmdline", 'c', "WORDS", 0, "settings for every machine: words for the kernel", 0 },
		{ "machines", 'm', "DIR", 0,
		  "settings for one machine each, in files named by MAC (" NETBOOT_MACHINES ")", 0 },
		{ "force", 'f', NULL, 0, "do not ask whether a DHCP server is there", 0 },
		{ "verbose", 'v', NULL, 0, "print what dnsmasq says, too", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options, parse, "IFACE",
		"Starts machines on the network of IFACE as nodes: those that are set to start over "
		"the network, by BIOS or UEFI, PXE or iPXE.\v"
		"An existing DHCP server goes on giving addresses; with --serve, on a network of its "
		"own, this one does. Tells of each machine that comes, and of the node that it "
		"becomes. Ends by ^C. Needs root, and dnsmasq.",
		NULL, NULL, NULL
	};

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	return netboot_run(&opts);
}
