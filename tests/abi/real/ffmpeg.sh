#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ffmpeg encodes by x264 with four threads, and decodes what it has made.
ffmpeg -nostdin -v error -f lavfi -i testsrc=size=192x144:rate=25:duration=1 -pix_fmt yuv420p -c:v libx264 -preset fast \
	-threads 4 -fflags +bitexact -flags:v +bitexact -y out.mkv; echo "status $?"
ffmpeg -nostdin -v error -threads 4 -i out.mkv -f framemd5 -fflags +bitexact -; echo "status $?"
