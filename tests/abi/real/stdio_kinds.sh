#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# stdin, stdout and stderr as pipe, file and terminal: programs see which it is, and use it right.
cat >kinds.py <<'PY'
import os, sys
print(*['tty' if os.isatty(i) else 'no' for i in range(3)])
sys.stderr.write('to stderr\n')
for line in sys.stdin:
    print('read', line.strip())
PY
/usr/bin/python3 kinds.py </dev/null >file 2>errfile; cat file errfile
echo piped | /usr/bin/python3 kinds.py 2>&1 | cat
echo from a file >in; /usr/bin/python3 kinds.py <in 2>/dev/null
/usr/bin/python3 - <<'PY'
import os, pty, sys
sys.stdout.flush()
pid, master = pty.fork()
if pid == 0:
    os.execv('/usr/bin/python3', ['python3', 'kinds.py'])
os.write(master, b'typed\n\x04')
out = b''
while True:
    try:
        data = os.read(master, 1000)
    except OSError:
        break
    if not data:
        break
    out += data
print(sorted(set(out.decode().replace('\r', '').split('\n'))), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
yes | head -3; echo "yes ${PIPESTATUS[0]}"
exec 2>&-; echo closed stderr; ls /none; echo $?
