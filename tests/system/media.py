#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Every boot medium, as every machine that takes it sees it, from power-on to the node's announcement."""
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import equal, main  # noqa: E402
from medium import CD, DISK, FLOPPY, FLOPPY_DRIVE, ISO, STICK, STICK3, Boot, with_settings  # noqa: E402

WORDS = 'name=media1 ip=10.0.2.40/24 gw=10.0.2.2 panic=exit'
tmp = tempfile.TemporaryDirectory(prefix='muster-media-')


def boots(loader, *args, **more):
    """Its settings are in force, and it was loaded as it should be; prints how long that took."""
    b = Boot(*args, **more)
    try:
        entry = b.says(r'muster \S+ starts: .*loaded by (.*)\n')
        at_entry = b.seconds()
        said = b.says(r'net: announced as media1 at 10\.0\.2\.40:7746, (\d+) ms after kernel entry')
        print(f'    {at_entry:.1f} s to the kernel, {said[1]} ms more to the announcement')
        assert entry[1].startswith(loader), entry[1]
    finally:
        b.close()


def image(kind):
    return with_settings(kind, WORDS, f'{tmp.name}/{kind.name}')


def test_floppy():
    boots('Multiboot 1, GRUB', FLOPPY_DRIVE.format(image(FLOPPY)))


def test_floppy_image_on_a_usb_stick():
    boots('Multiboot 1, GRUB', STICK.format(image(FLOPPY)))


def test_floppy_image_on_a_disk():
    boots('Multiboot 1, GRUB', DISK.format(image(FLOPPY)))


def test_cd():
    boots('Multiboot 1, GRUB', CD.format(image(ISO)))


def test_iso_on_a_usb_stick():
    boots('Multiboot 1, GRUB', STICK.format(image(ISO)))


def test_cd_by_uefi():
    boots('Multiboot 2, GRUB', CD.format(image(ISO)), uefi=True)


def test_iso_on_a_usb_stick_by_uefi():
    boots('Multiboot 2, GRUB', STICK3.format(image(ISO)), uefi=True)


def test_kernel_alone():
    boots('Multiboot 1, qemu', kernel=WORDS)


def settings_file(content):
    """A floppy image with this muster.cfg, or none; the console until the node is there."""
    copy = f'{tmp.name}/settings.img'
    pathlib.Path(copy).write_bytes(FLOPPY.read_bytes())
    subprocess.run(['mdel', '-i', copy, '::muster.cfg'], check=True)
    if content is not None:
        subprocess.run(['mcopy', '-i', copy, '-', '::muster.cfg'], input=content, check=True)
    b = Boot(FLOPPY_DRIVE.format(copy))
    try:
        b.says(r'net: announced as ')
        return b.console()
    finally:
        b.close()


def test_a_settings_file_of_no_use_does_not_stop_the_boot():
    said = 'settings: muster.cfg is missing or damaged: started without it'
    rng = random.Random(1)
    for content in None, rng.randbytes(700), b'set muster_args="name=never ends\n':
        assert said in settings_file(content), content


def test_a_wrong_word_is_named_and_the_rest_holds():
    out = settings_file(b'set muster_args="colour=red ip=10.0.2.300/24 name=odd"\r\nset muster_timeout=soon\r\nfoo\n')
    assert 'settings: colour=red: there is no such setting: ignored' in out, out
    assert 'settings: ip=10.0.2.300/24: the form is ip=A.B.C.D/LEN|dhcp: ignored' in out, out
    assert 'announced as odd at' in out, out


def test_a_command_line_that_is_too_long_is_named():
    b = Boot(kernel=f'name=long {"x" * 30} {"y=" * 600} name=lost')
    try:
        b.says(r'announced as long ')
        equal(b.console().count('is longer than 1023 bytes: its end is ignored'), 1)
    finally:
        b.close()


def cleanup():
    for f in pathlib.Path(tmp.name).iterdir():
        f.unlink()


main(globals())
