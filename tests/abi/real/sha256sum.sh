#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Checksums of some megabytes, by file and by pipe, and their verification.
head -c 20000000 /dev/zero | tr '\0' 'm' >big
sha256sum big | tee sums
sha512sum <big
md5sum - <big
sha256sum -c sums
echo x >>big
sha256sum -c sums 2>/dev/null; echo "after a change: $?"
