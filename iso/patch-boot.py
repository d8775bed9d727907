#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""patch-boot.py IMAGE BOOT.IMG: put GRUB's boot sector on a FAT image whose first file is core.img.

Offsets are those of GRUB 2.06: boot.img holds the sector of core.img at 0x5c; core.img's own first
sector ends with the block list of its rest: first sector (8 bytes), count, segment (2 bytes each).
"""

import struct
import sys

SECTOR = 512
BPB_END = 90  # bytes 3-89 are FAT's own description of the volume
CODE_END = 510
CORE_SECTOR_AT = 0x5C
BLOCK_LIST_AT = 500


def main():
    with open(sys.argv[2], "rb") as f:
        boot = f.read(SECTOR)
    with open(sys.argv[1], "r+b") as f:
        image = bytearray(f.read())
        reserved = struct.unpack_from("<H", image, 14)[0]
        fats, root_entries = image[16], struct.unpack_from("<H", image, 17)[0]
        fat_sectors = struct.unpack_from("<H", image, 22)[0]
        data = reserved + fats * fat_sectors + (root_entries * 32 + SECTOR - 1) // SECTOR
        image[0:3] = boot[0:3]
        image[BPB_END:CODE_END] = boot[BPB_END:CODE_END]
        struct.pack_into("<Q", image, CORE_SECTOR_AT, data)
        struct.pack_into("<Q", image, data * SECTOR + BLOCK_LIST_AT, data + 1)
        f.seek(0)
        f.write(image)


main()
