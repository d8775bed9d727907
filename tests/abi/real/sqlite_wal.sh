#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# sqlite with a write-ahead log, whose index is a shared mapping of a file: two writers at once, and readers.
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
cat > writer.py <<'EOF'
import sqlite3, sys
me, n = int(sys.argv[1]), int(sys.argv[2])
db = sqlite3.connect('test.db', timeout=600, isolation_level=None)
for i in range(n):
    db.execute('begin immediate')
    total = db.execute('select count(*) from t').fetchone()[0]
    db.execute('insert into t values (?, ?, ?)', (me, i, 'x' * (i * 37 % 900)))
    assert db.execute('select count(*) from t').fetchone()[0] == total + 1
    db.execute('commit')
db.close()
EOF
/usr/bin/python3 - <<'EOF'
import sqlite3
db = sqlite3.connect('test.db')
print(db.execute('pragma journal_mode=wal').fetchone())
db.execute('create table t (who int, i int, what text)')
db.commit()
EOF
/usr/bin/python3 writer.py 1 40 & a=$!
/usr/bin/python3 writer.py 2 40 & b=$!
wait $a; echo "writer 1: $?"
wait $b; echo "writer 2: $?"
/usr/bin/python3 - <<'EOF'
import sqlite3
db = sqlite3.connect('test.db')
print(db.execute('select who, count(*), sum(i), sum(length(what)) from t group by who order by who').fetchall())
print(db.execute('pragma integrity_check').fetchone())
EOF
rm -f test.db test.db-wal test.db-shm writer.py
