#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""drivers/nic/rtl8139cp.c does what every card's driver must (tests/lib/nic.py)."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
import nic  # noqa: E402

nic.run('rtl8139cp')
