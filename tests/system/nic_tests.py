#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""No driver of a network card goes without its tests."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'lib'))
import nic  # noqa: E402
from check import equal, main  # noqa: E402


def test_each_driver_is_tested():
    assert nic.drivers()
    for driver in nic.drivers():
        assert nic.CARDS.get(driver), f'{driver}: which cards of QEMU it drives is not in tests/lib/nic.py'
        assert f"nic.run('{driver}')" in (HERE / f'nic_{driver}.py').read_text(), driver


def test_each_script_tests_a_driver():
    scripts = {p.stem[4:] for p in HERE.glob('nic_*.py')} - {'tests'}
    equal(scripts - set(nic.CARDS), set())


main(globals())
