# SPDX-License-Identifier: GPL-2.0-or-later
"""What somebody in front of a node sees: VGA text, a framebuffer read by its font, a terminal on the serial line."""
import importlib.util
import pathlib
import re
import socket
import tempfile

from check import SLACK, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
FONT = '/usr/share/grub/unicode.pf2'
GLYPH_WIDTH, GLYPH_HEIGHT = 8, 16


def _text(codes):
    """A row of code page 437, without trailing blanks."""
    return bytes(codes).decode('cp437').rstrip()


class Monitor:
    """QEMU's monitor, at a Unix socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20 * SLACK)
        wait_for(lambda: self.socket.connect_ex(str(path)) == 0, 10, f'a monitor at {path}')
        self._answer()

    def _answer(self):
        text = b''
        while not text.endswith(b'(qemu) '):
            part = self.socket.recv(65536)
            assert part, 'QEMU is gone'
            text += part
        return text.decode(errors='replace')

    def run(self, command):
        self.socket.sendall(command.encode() + b'\n')
        return self._answer()

    def press(self, *keys):
        """Keys by QEMU's names: ret, esc, up, a, shift-a."""
        for key in keys:
            self.run(f'sendkey {key} 20')

    def vga(self):
        """The rows of the VGA text screen."""
        found = re.findall(r'0x([0-9a-f]{2})', re.sub(r'(?m)^[^:\n]*:', '', self.run('xp /4000xb 0xb8000')))
        codes = [int(x, 16) for x in found[-4000:]][::2]
        return [_text(codes[i:i + 80]) for i in range(0, 2000, 80)]

    def pixels(self):
        """(width, height, bytes) of a screen shot, three bytes a pixel."""
        with tempfile.NamedTemporaryFile(suffix='.ppm') as f:
            self.run(f'screendump {f.name}')
            head, size, _, data = pathlib.Path(f.name).read_bytes().split(b'\n', 3)
        assert head == b'P6', head
        width, height = map(int, size.split())
        return width, height, data

    def close(self):
        self.socket.close()


def _glyphs():
    spec = importlib.util.spec_from_file_location('gen_font', ROOT / 'drivers/console/gen-font.py')
    gen_font = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gen_font)
    # Of equal glyphs the one in ASCII, or the first, is meant.
    return {tuple(g): code for code, g in reversed([*enumerate(gen_font.font(FONT))]) if not 0 < code < 16}


def read_framebuffer(width, height, data):
    """The rows of text on a framebuffer, found by the font; what is no glyph is a question mark."""
    glyphs = _glyphs()
    glyphs[(0,) * GLYPH_HEIGHT] = 32
    scale = max(s for s in range(1, 20) if s == 1 or (s * 640 <= width and s * 400 <= height))
    columns = min(width // (GLYPH_WIDTH * scale), 160)
    rows = min(height // (GLYPH_HEIGHT * scale), 60)
    left = (width - columns * GLYPH_WIDTH * scale) // 2
    top = (height - rows * GLYPH_HEIGHT * scale) // 2

    known = {}

    def cell(row, column):
        at = 3 * ((top + row * GLYPH_HEIGHT * scale) * width + left + column * GLYPH_WIDTH * scale)
        starts = [at + 3 * width * scale * y for y in range(GLYPH_HEIGHT)]
        lines = tuple(data[s:s + 3 * GLYPH_WIDTH * scale] for s in starts)
        if lines not in known:
            known[lines] = decode([[line[3 * scale * x:][:3] for x in range(GLYPH_WIDTH)] for line in lines])
        return known[lines]

    def decode(area):
        colours = {p for line in area for p in line}
        if len(colours) > 2:
            return ord('?')
        # Which of the two is the background is not known: only one way round is it a glyph.
        for background in sorted(colours):
            bits = tuple(sum(0x80 >> x for x in range(GLYPH_WIDTH) if line[x] != background) for line in area)
            if bits in glyphs:
                return glyphs[bits]
        return ord('?')

    return [_text(cell(row, column) for column in range(columns)) for row in range(rows)]


class Terminal:
    """As much of a VT100 as a node uses, 80 x 24. feed() it bytes; rows() is what it shows."""

    SEQUENCE = re.compile(rb'\x1b\[(\??[0-9;]*)([A-Za-z])')

    def __init__(self):
        self.row = self.column = 0
        self.cells = [[' '] * 80 for _ in range(24)]
        self.pending = b''

    def feed(self, data):
        data = self.pending + data
        self.pending = b''
        at = 0
        while at < len(data):
            if data[at] != 0x1b:
                self._character(chr(data[at]))
                at += 1
                continue
            m = self.SEQUENCE.match(data, at)
            if not m:
                assert len(data) - at < 20, f'no sequence: {data[at:at + 20]!r}'
                self.pending = data[at:]    # the rest comes with the next bytes
                return
            self._sequence(m[1].decode(), m[2].decode())
            at = m.end()

    def _character(self, c):
        if c == '\n':
            self.row += 1
            if self.row == 24:
                self.row = 23
                self.cells = self.cells[1:] + [[' '] * 80]
        elif c == '\r':
            self.column = 0
        else:
            self.cells[self.row][min(self.column, 79)] = c
            self.column += 1

    def _sequence(self, parameters, last):
        if last == 'H':
            row, column = ([int(n) for n in parameters.split(';')] + [1, 1])[:2] if parameters else (1, 1)
            self.row, self.column = min(row, 24) - 1, min(column, 80) - 1
        elif last == 'J':
            self.cells = [[' '] * 80 for _ in range(24)]
        else:
            assert last in 'mhl', f'{parameters}{last}'

    def rows(self):
        return [''.join(r).rstrip() for r in self.cells]
