#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""What is changed on a running node is saved on its medium, and holds after the next start; or the node says why not."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, equal, main  # noqa: E402
from medium import CD, FLOPPY, FLOPPY_DRIVE, ISO, STICK, STICK3, Boot, settings_of, with_settings  # noqa: E402

WORDS = 'ip=10.0.2.40/24 name=before panic=exit'
tmp = tempfile.TemporaryDirectory(prefix='muster-saving-')


def image(kind, words=WORDS):
    return with_settings(kind, words, f'{tmp.name}/{kind.name}')


def change(b):
    b.says('net: announced as before at ')
    b.order('name after')
    b.order('ip 10.0.2.40/16 10.0.2.2')
    b.says(r'net: address 10\.0\.2\.40/16, gateway 10\.0\.2\.2')


def saved(medium, kind, words='', **more):
    """Changes and saves twice, starts again, and looks that it is as it was left."""
    file = image(kind, WORDS + words)
    before, at = settings_of(file)
    b = Boot(medium.format(file), cpus=2, forward=True, **more)
    try:
        change(b)
        equal(b.order('save'), 'saved\n')
        b.order('name again')
        equal(b.order('save'), 'saved\n')
        assert '(not saved)' not in b.order('settings'), b.order('settings')
    finally:
        b.close()
    after, _ = settings_of(file)
    wrong = [i for i in range(len(before)) if before[i] != after[i] and not at <= i < at + 2048]
    equal((len(after), wrong), (len(before), []), 'changed outside muster.cfg')
    text = after[at:at + 2048].decode()
    assert f'set muster_args="ip=10.0.2.40/16 name=again panic=exit{words} gw=10.0.2.2"\n' in text, text
    assert text.startswith('# Settings of this node.') and '\nset muster_timeout=1\n' in text, text
    b = Boot(medium.format(file), **more)
    try:
        b.says(r'net: address 10\.0\.2\.40/16, gateway 10\.0\.2\.2')
        b.says('net: announced as again at ')
    finally:
        b.close()


def refused(why, medium='', file=None, **more):
    """Saving is refused with this reason, nothing is written, and the node goes on with what was changed."""
    before = pathlib.Path(file).read_bytes() if file else b''
    b = Boot(medium.format(file), forward=True, **more)
    try:
        change(b)
        answer = b.order('save', ok=False)
        assert re.search(why, answer), answer
        assert 'name=after  (not saved)' in b.order('settings'), b.order('settings')
    finally:
        b.close()
    if file:
        assert pathlib.Path(file).read_bytes() == before, 'something was written'


def test_on_a_floppy():
    saved(FLOPPY_DRIVE, FLOPPY)


def test_on_a_stick_with_the_floppy_image():
    saved(STICK, FLOPPY, ' irq=ioapic')


def test_on_a_stick_with_the_iso_image():
    saved(STICK3, ISO)


def own_settings_file(text):
    """A floppy image on which somebody wrote a muster.cfg of his own."""
    file = f'{tmp.name}/own.img'
    pathlib.Path(file).write_bytes(FLOPPY.read_bytes())
    subprocess.run(['mcopy', '-o', '-i', file, '-', '::muster.cfg'], input=text.encode(), check=True)
    return file


def test_a_file_that_somebody_shortened_grows_within_its_cluster():
    file = own_settings_file(f'# short\nset muster_args="{WORDS} nolapic"\n')
    b = Boot(FLOPPY_DRIVE.format(file), forward=True)
    try:
        change(b)
        equal(b.order('save'), 'saved\n')
    finally:
        b.close()
    text = subprocess.run(['mtype', '-i', file, '::muster.cfg'], capture_output=True, check=True).stdout.decode()
    equal(text, '# short\nset muster_args="ip=10.0.2.40/16 name=after panic=exit nolapic gw=10.0.2.2"\n')


def test_a_file_that_is_not_understood_is_left_alone():
    refused('muster.cfg has no line set muster_args=".*" that can be used', FLOPPY_DRIVE,
            own_settings_file(f'set mine="{WORDS}"\nset muster_args="$mine"\n'))


def test_a_damaged_file_system_is_left_alone():
    file = image(FLOPPY)
    data = bytearray(pathlib.Path(file).read_bytes())
    entry = data.index(b'MUSTER  CFG')
    last = int.from_bytes(data[entry + 26:entry + 28], 'little') + 3
    at = 512 + last + last // 2     # its entry in the first table, of 12 bits: now it says that it is free
    data[at:at + 2] = ((data[at] & 0x0f, 0) if last % 2 else (0, data[at + 1] & 0xf0))
    pathlib.Path(file).write_bytes(data)
    b = Boot(FLOPPY_DRIVE.format(file), forward=True)
    try:
        b.says('announced as')
        b.order('name after')
        assert 'the file system of the medium is damaged' in b.order('save', ok=False)
    finally:
        b.close()
    assert pathlib.Path(file).read_bytes() == bytes(data), 'something was written'


def test_a_write_protected_floppy_says_so():
    refused('the medium is write-protected', FLOPPY_DRIVE.replace('file=', 'readonly=on,file='), image(FLOPPY))


def test_a_write_protected_stick_says_so():
    refused('is it write-protected', STICK.replace('file=', 'readonly=on,file='), image(FLOPPY))


def test_a_cd_says_so():
    refused('started from a CD', CD, image(ISO))


def test_uefi_says_so():
    refused('started by UEFI, .* until the next start only', STICK3, image(ISO), uefi=True)


def test_a_kernel_without_a_medium_says_so():
    refused('not started from a medium of its own', kernel=WORDS)


def test_many_saves_while_guests_run():
    script = f'''
set -e
spin='x = 1
for i in range(1 << 21): x = (x * 31 + i) % 1000003
print(x)'
python3 -c "$spin" >want
for i in 1 2 3; do mosrun --node 1 -- python3 -c "$spin" >got$i & done
for i in $(seq 8); do mosctl name 1 box$i; mosctl save 1; done
wait
for i in 1 2 3; do cmp want got$i; done
mtype -i "$MUSTER_RUNTIME_DIR/node1.img" ::muster.cfg | grep -a "name=box8"
'''
    r = subprocess.run([f'{BIN}/muster', 'emulate', '1', '--cpus=2', '--image=floppy', '--', 'sh', '-c', script],
                       cwd=tmp.name, capture_output=True, text=True, timeout=280, env=dict(os.environ))
    equal(r.returncode, 0, r.stdout + r.stderr)


def cleanup():
    for f in pathlib.Path(tmp.name).iterdir():
        f.unlink()


main(globals())
