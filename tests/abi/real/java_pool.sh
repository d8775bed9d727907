#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Java: the virtual machine with its compiler's, collector's and the program's threads.
# Needs: java Pool.class
exec java -Xmx128m -cp "$MUSTER_TEST_REAL" Pool
