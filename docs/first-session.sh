#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first session of the README, for `make run`: each command is shown, then run, with whatever nodes
# there are. Ends with the first command that fails.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

show() {
	printf '\n$ %s\n' "$*"
	eval "$*"
}

show muster nodes
show mosrun --node 1 -- uname -n
show 'seq 200000 | mosrun --node 1 -- sort -r | head -3'
show 'mosrun --node 1 -- bash -c '\''for n in 1 2 3; do echo "$n by $BASHPID"; done | tac'\'
show 'printf "#include <stdio.h>\nint main(void) { puts(\"compiled on a node\"); }\n" > hello.c'
show mosrun --node 1 -- gcc -O2 -o hello hello.c
show ./hello

cat >count.py <<'PY'
total = 0
for step in range(60):
    for n in range(400000):
        total = (total * 31 + n) % 1000003
    if step % 20 == 19:
        print("step", step, "total", total, flush=True)
PY
show 'cat count.py'
show 'mosrun -- python3 count.py & sleep 1'
pid=$(mps --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["pid"])')
show mps
show migrate "$pid" 1
show 'sleep 1; mps'
show migrate "$pid" home
show mps --why "$pid"
show wait
