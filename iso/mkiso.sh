#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mkiso.sh OUT KERNEL.xz [CMDLINE]: a hybrid image for CD and USB stick, BIOS and UEFI.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
[ $# -ge 2 ] || die "usage: $0 OUT KERNEL.xz [CMDLINE]"
out=$1 kernel=$2 cmdline=${3-}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/root/boot/grub"
write_settings "$tmp/root/muster.cfg" "$cmdline"
cp "$here/grub.cfg" "$tmp/root/boot/grub/grub.cfg"
cp "$kernel" "$tmp/root/muster.xz"
# Only the modules that grub.cfg and grub-mkrescue's own start-up file ask for: 4 MB instead of 20.
grub-mkrescue -o "$tmp/muster.iso" --compress=xz --fonts= --locales= --themes= \
	--install-modules="normal part_msdos part_gpt part_acorn part_amiga part_apple
		part_bsd part_dfly part_dvh part_plan part_sun part_sunpc iso9660 fat search search_fs_file search_fs_uuid multiboot
		multiboot2 xzio all_video configfile test echo boot serial terminal reboot" \
	"$tmp/root" -- -volid MUSTER >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die "grub-mkrescue failed"; }
mv "$tmp/muster.iso" "$out"
