#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# mkfloppy.sh OUT KERNEL.xz [CMDLINE]: a 1.44 MB image that boots as floppy, USB stick or disk of a BIOS PC.
#
# FAT12, so that its settings (muster.cfg) can be edited anywhere. GRUB's core is an ordinary file,
# copied first and therefore contiguous; the boot sector is told where it lies. Needs no root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
[ $# -ge 2 ] || die "usage: $0 OUT KERNEL.xz [CMDLINE]"
out=$1 kernel=$2 cmdline=${3-}
grub=/usr/lib/grub/i386-pc

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
write_settings "$tmp/muster.cfg" "$cmdline"

# The prefix names no device: GRUB then stays on whatever it was booted from.
echo 'configfile /grub.cfg' >"$tmp/early.cfg"
grub-mkimage -O i386-pc -d $grub -o "$tmp/core.img" -p / -c "$tmp/early.cfg" \
	biosdisk fat normal configfile test echo multiboot xzio serial terminal reboot

# One sector of root directory (16 entries) leaves the most room.
mformat -C -i "$tmp/floppy.img" -f 1440 -r 1 -v MUSTER -N 4d555354 ::
mcopy -i "$tmp/floppy.img" "$tmp/core.img" ::/CORE.IMG
mshowfat -i "$tmp/floppy.img" ::/CORE.IMG | grep -q '<2-[0-9]*>$' || die "core.img is not contiguous"
python3 "$here/patch-boot.py" "$tmp/floppy.img" $grub/boot.img
mcopy -i "$tmp/floppy.img" "$here/grub.cfg" "$tmp/muster.cfg" ::/
mcopy -i "$tmp/floppy.img" "$kernel" ::/muster.xz || die "the kernel does not fit on a floppy"
mv "$tmp/floppy.img" "$out"
