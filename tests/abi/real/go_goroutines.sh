#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A static program of Go's: its own scheduler, its own system calls, no C library.
# Needs: goroutines
exec "$MUSTER_TEST_REAL/goroutines"
