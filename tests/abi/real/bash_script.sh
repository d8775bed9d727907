#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bash: pipes, redirections, $(...), loops, functions, here-documents, background jobs, traps, wait.
set -u
count() { local n=0; while read -r _; do n=$((n + 1)); done; echo $n; }
seq 1 50 | grep 3 | sort -rn | head -3 | tr '\n' ' '; echo
for i in 1 2 3; do echo "pass $i: $(seq 1 $((i * 10)) | count)"; done
cat <<END >here
a ${#BASH} $(echo nested "$(echo deeper)")
END
cut -c1 here
{ echo out; echo err >&2; } >both 2>&1; cat both
(exit 3); echo "subshell $?"
for i in 1 2 3 4; do (sleep 0.0$i; exit "$i") & pids[i]=$!; done
for i in 1 2 3 4; do wait "${pids[i]}"; echo "job $i: $?"; done
false | true; echo "pipe ${PIPESTATUS[*]}"
trap 'echo trapped' USR1; kill -USR1 $$; trap - USR1
sleep 100 & kill $!; wait $! 2>/dev/null; echo "killed $?"
exec 5>fd5; echo five >&5; exec 5>&-; cat fd5
mkfifo ff; (echo through >ff &) ; cat ff; rm ff
diff <(seq 1 5) <(seq 1 6); echo "diff $?"
i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo $i
coproc CAT { cat; }; echo hello >&"${CAT[1]}"; read -r line <&"${CAT[0]}"; echo "coproc $line"
nonexistent-command 2>/dev/null; echo "not found $?"
find . -type f | sort
exit 9
