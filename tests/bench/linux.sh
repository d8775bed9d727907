#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# linux.sh FOLDER: fetches Debian's kernel of this release into FOLDER, unpacked and not installed: vmlinuz, and
# modules/ with what drives the network cards that nodes drive, too. Does nothing if it is there.
set -euo pipefail
dir=$1
[ -e "$dir/vmlinuz" ] && exit 0

# What a card's module needs, besides itself.
modules="e1000 e1000e 8139cp mii ne2k-pci 8390 pcnet32 e100 tulip vmxnet3 virtio virtio_ring virtio_pci
	virtio_pci_legacy_dev virtio_pci_modern_dev virtio_net net_failover failover ptp pps_core"

package=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
[ -n "$package" ] || { echo "linux.sh: apt knows no linux-image-amd64: apt-get update?" >&2; exit 1; }
echo "fetching $package (not installed: the guest that nodes are measured against)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
(cd "$tmp" && apt-get -qq download "$package")
dpkg-deb -x "$tmp/$package"_*.deb "$tmp/root"
mkdir -p "$dir/modules"
for m in $modules; do
	find "$tmp/root/lib/modules" -name "$m.ko" -exec cp {} "$dir/modules/" \;
done
echo "$package" >"$dir/package"
# Last: it says that the rest is there.
cp "$tmp"/root/boot/vmlinuz-* "$dir/vmlinuz"
