# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sourced by the image makers, which set `here`: settings file, checks.

die() { echo "${0##*/}: $*" >&2; exit 1; }

# A sector of a CD, four of a floppy: a running node rewrites the file in its place, see kernel/medium.
settings_size=2048

# write_settings FILE CMDLINE: muster.cfg with CMDLINE as the kernel's arguments.
write_settings() {
	# These would end the quoted string in GRUB's language or be replaced in it.
	case $2 in *[\"\$\\\`]*|*$'\n'*) die "CMDLINE must not hold quotes, \$, backslash or newline: $2" ;; esac
	CMDLINE=$2 size=$settings_size awk '{ i = index($0, "@CMDLINE@");
			if (i) $0 = substr($0, 1, i - 1) ENVIRON["CMDLINE"] substr($0, i + 9);
			print; used += length($0) + 1 }
		END { while (used < ENVIRON["size"]) { printf used % 64 == 63 ? "\n" : "#"; used++ } }' \
		"$here/muster.cfg.in" >"$1"
	[ "$(stat -c %s "$1")" = $settings_size ] || die "CMDLINE is too long: $2"
}
