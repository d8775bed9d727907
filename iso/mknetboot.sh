#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mknetboot.sh OUT: GRUB for UEFI PCs that start over the network; `muster netboot` hands it out.
#
# Its prefix holds a place for the server's address, which `muster netboot` fills in: 15 characters,
# as many as an IPv4 address may have. An EFI image is not compressed, so it can be found there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
[ $# = 1 ] || die "usage: $0 OUT"
grub=/usr/lib/grub/x86_64-efi

grub-mkimage -O x86_64-efi -d $grub -o "$1.tmp" -p '(tftp,SERVER.ADDRESS.)' \
	efinet tftp normal configfile multiboot2 all_video echo sleep reboot boot
[ "$(grep -aoF '(tftp,SERVER.ADDRESS.)' "$1.tmp" | wc -l)" = 1 ] ||
	die "the server's place is not in the image once"
mv "$1.tmp" "$1"
