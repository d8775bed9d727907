# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures that are read from files: the kernel's size, and what the floppy has left."""
import os
import struct

from figures import Figure

KERNEL_XZ_LIMIT = 700000    # bytes; also enforced by iso/build.mk


def fat12_free(path):
    """Free bytes of a FAT12 image (Microsoft's FAT specification 1.03, sections 3 and 4)."""
    with open(path, 'rb') as f:
        image = f.read()
    sector, per_cluster, reserved, fats, entries, sectors, _, fat_sectors = \
        struct.unpack_from('<HBHBHHBH', image, 11)
    data = sectors - reserved - fats * fat_sectors - (entries * 32 + sector - 1) // sector
    fat = image[reserved * sector:(reserved + fat_sectors) * sector]
    free = 0
    for cluster in range(2, data // per_cluster + 2):
        pair = struct.unpack_from('<H', fat, cluster * 3 // 2)[0]
        free += not (pair >> 4 if cluster & 1 else pair & 0xfff)
    return free * per_cluster * sector


def sizes(images):
    def size(name):
        return [os.path.getsize(f'{images}/{name}')]
    return [
        Figure('kernel.compressed', 'kernel, compressed', 'bytes', size('muster.xz'),
               limit=KERNEL_XZ_LIMIT, digits=0),
        Figure('kernel.plain', 'kernel', 'bytes', size('muster.elf'), digits=0),
        Figure('floppy.free', 'free on the floppy', 'bytes', [fat12_free(f'{images}/muster-floppy.img')],
               higher=True, digits=0),
    ]
