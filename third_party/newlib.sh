#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# newlib.sh SRC OUT: OUT/include and OUT/libc.a, newlib for the kernel.
#
# newlib's own build drops whole folders without a word when the compiler may not use SSE (their
# functions return double), so only its configure is run, for newlib.h, and the wanted files are
# compiled one by one. Left out: the heap (the kernel has its own), everything with floating point,
# memcpy/memmove/memset (kernel/lib has its own) and what needs files or a process.
set -euo pipefail

src=$1/newlib
out=$2
mkdir -p "$out/obj" "$out/conf"

(cd "$out/conf" && CC=gcc CFLAGS="-O2 -ffreestanding" "$(realpath "$src")/configure" \
	--host=x86_64-elf --no-recursion --disable-multilib --disable-newlib-supplied-syscalls --disable-newlib-io-float \
	--enable-newlib-io-long-long --enable-newlib-io-c99-formats --enable-lite-exit \
	--disable-newlib-wide-orient --disable-newlib-fvwrite-in-streamio \
	--disable-newlib-fseek-optimization --disable-newlib-multithread >configure.log 2>&1) ||
	{ tail -20 "$out/conf/configure.log"; exit 1; }

rm -rf "$out/include"
cp -r "$src/libc/include" "$out/include"
cp "$out/conf/newlib.h" "$out/conf/_newlib_version.h" "$out/include/"

# Error numbers: Linux's. newlib's own differ from 35 on, and a guest would be given them.
echo '#include <errno.h>' | gcc -E -dM - | grep -E '^#define E[A-Z0-9]+ ' | sort -k3,3V >"$out/linux-errno"
awk -v list="$out/linux-errno" '/^#define[ \t]+E[A-Z0-9]+[ \t]/ { next }
	/__ELASTERROR/ { while ((getline line <list) > 0) print line }
	{ print }' "$src/libc/include/sys/errno.h" >"$out/include/sys/errno.h"

# Functions that take or return double, need files, allocate by themselves what the kernel never asks for,
# or stand elsewhere.
skip='
stdlib/malloc stdlib/mallocr stdlib/nano-mallocr stdlib/calloc stdlib/realloc stdlib/mstats stdlib/mtrim
stdlib/valloc stdlib/pvalloc stdlib/msize stdlib/malign stdlib/reallocf stdlib/reallocarray stdlib/cfreer
stdlib/callocr stdlib/freer stdlib/malignr stdlib/mallinfor stdlib/malloptr stdlib/mallstatsr
stdlib/msizer stdlib/pvallocr stdlib/reallocr stdlib/vallocr stdlib/aligned_alloc
stdlib/atof stdlib/atoff stdlib/strtod stdlib/strtold stdlib/strtodg stdlib/strtorx stdlib/wcstod
stdlib/wcstold stdlib/dtoa stdlib/ldtoa stdlib/gdtoa-gethex stdlib/gdtoa-hexnan stdlib/gdtoa-gdtoa
stdlib/gdtoa-gmisc stdlib/gdtoa-dmisc stdlib/gdtoa-ldtoa stdlib/gd_qnan stdlib/ecvtbuf stdlib/efgcvt
stdlib/drand48 stdlib/erand48 stdlib/rand48 stdlib/jrand48 stdlib/lcong48 stdlib/lrand48 stdlib/mrand48
stdlib/__adjust stdlib/__exp10 stdlib/__ten_mu stdlib/mprec stdlib/nrand48 stdlib/seed48 stdlib/srand48 stdlib/system stdlib/quick_exit stdlib/btowc
string/memcpy string/memmove string/memset
search/hash search/hash_bigkey search/hash_buf search/hash_func search/hash_log2 search/hash_page
search/hcreate search/hcreate_r search/ndbm
'

# stdio: only the formatting of strings.
stdio='snprintf vsnprintf sprintf vsprintf asprintf vasprintf sscanf vsscanf fvwrite fflush fread ungetc
refill sccl findfp fwalk makebuf stdio fclose'

: >"$out/list"
for dir in string ctype stdlib errno search locale; do
	for f in "$src/libc/$dir"/*.c; do
		name=$dir/$(basename "$f" .c)
		case " ${skip//$'\n'/ } " in *" $name "*) continue ;; esac
		echo "$f ${name/\//-}" >>"$out/list"
	done
done
echo "$src/libc/reent/impure.c reent-impure" >>"$out/list"
for name in $stdio; do
	[ ! -f "$src/libc/stdio/$name.c" ] || echo "$src/libc/stdio/$name.c stdio-$name" >>"$out/list"
done
for variant in "printf " "printf -DINTEGER_ONLY" "scanf " "scanf -DINTEGER_ONLY"; do
	kind=${variant%% *}
	int=${variant#* }
	echo "$src/libc/stdio/vf$kind.c stdio-svf${int:+i}$kind -DSTRING_ONLY $int" >>"$out/list"
done

compile() { # FILE OBJECT DEFINES...
	local f=$1 o=$2
	shift 2
	# shellcheck disable=SC2086
	gcc $KFLAGS -g0 -fno-builtin -ffunction-sections -fdata-sections -w -nostdinc \
		-isystem "$(gcc -print-file-name=include)" -I"$OUT/include" -I"$(dirname "$f")" \
		-I"$SRC/libc/stdio" -I"$SRC/libc/stdlib" -I"$SRC/libc/locale" -I"$SRC/libc/string" \
		-I"$SRC/libc/ctype" -D__SINGLE_THREAD__ -D__NO_SYSCALLS__ -DMISSING_SYSCALL_NAMES \
		-DNO_FLOATING_POINT "$@" -c "$f" -o "$OUT/obj/$o.o" 2>"$OUT/obj/$o.err" ||
		{ echo "newlib: $f:"; cat "$OUT/obj/$o.err"; return 255; }
}
export -f compile
export SRC=$src OUT=$out KFLAGS
xargs -P "$(nproc)" -d '\n' -n 12 bash -c 'for l in "$@"; do compile $l || exit 255; done' _ <"$out/list"

echo "$src/libc/machine/x86_64/setjmp.S mach-setjmp" | while read -r f o; do compile "$f" "$o"; done
rm -f "$out/libc.a"
ar rcs "$out/libc.a" "$out"/obj/*.o
