#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gen-font.py FONT.pf2: the framebuffer's font (see backends.h) as assembly, from one of GRUB's.

GRUB's unicode.pf2 is GNU Unifont. The 256 characters are those of code page 437, as VGA has them. The
format: sections of a name, a big-endian length, and data; CHIX lists each character's code, flags and
offset in the file, where its glyph is (GNU GRUB manual, developers' part: "PFF2 font file format").
"""
import struct
import sys

WIDTH, HEIGHT = 8, 16
# The graphics of the codes that ASCII uses for control.
LOW = ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼'


def sections(data):
    at = 0
    found = {}
    while at + 8 <= len(data):
        name, length = struct.unpack_from('>4sI', data, at)
        if name == b'DATA':     # the rest of the file
            break
        found[name] = data[at + 8:at + 8 + length]
        at += 8 + length
    return found


def glyph(data, offset, ascent):
    """HEIGHT bytes, the highest bit left. A glyph has only its bounding box, rows packed bit by bit."""
    width, height, left, bottom, _ = struct.unpack_from('>HHhhH', data, offset)
    rows = [0] * HEIGHT
    for bit in range(width * height):
        if not data[offset + 10 + bit // 8] >> (7 - bit % 8) & 1:
            continue
        x = left + bit % width
        y = ascent - bottom - height + bit // width
        if 0 <= x < WIDTH and 0 <= y < HEIGHT:
            rows[y] |= 0x80 >> x
    return rows


def font(path):
    """The 256 glyphs, each a list of HEIGHT rows."""
    with open(path, 'rb') as f:
        data = f.read()
    parts = sections(data)
    ascent = struct.unpack('>H', parts[b'ASCE'])[0]
    index = {code: offset for code, _, offset in struct.iter_unpack('>IBI', parts[b'CHIX'])}
    glyphs = []
    for code in range(256):
        ch = LOW[code] if code < 32 else '⌂' if code == 127 else bytes([code]).decode('cp437')
        if ord(ch) not in index:
            sys.exit(f'gen-font.py: {path} has no {ch!r}')
        glyphs.append(glyph(data, index[ord(ch)], ascent))
    return glyphs


def main():
    print('\t.section .rodata, "a"\n\t.globl console_font\nconsole_font:')
    for rows in font(sys.argv[1]):
        print('\t.byte ' + ', '.join(f'{row:#04x}' for row in rows))
    print('\t.section .note.GNU-stack, "", @progbits')


if __name__ == '__main__':
    main()
