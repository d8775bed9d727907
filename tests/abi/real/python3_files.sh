#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# python3 with many modules: files, folders, JSON, sqlite, zip, subprocesses, threads, exceptions.
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 - <<'PY'
import argparse, asyncio, collections, csv, ctypes, datetime, decimal, difflib, email, fractions, \
    glob, html, http.client, io, itertools, json, logging, os, pathlib, pickle, platform, random, re, \
    shutil, socket, sqlite3, statistics, string, struct, subprocess, sys, tarfile, tempfile, textwrap, \
    threading, unittest, urllib.parse, uuid, xml.etree.ElementTree as et, zipfile, zlib
random.seed(7)
os.makedirs('tree/a/b')
for i in range(60):
    pathlib.Path(f'tree/a/b/{i}.json').write_text(json.dumps({'i': i, 'r': random.random()}))
total = sum(json.loads(pathlib.Path(p).read_text())['r'] for p in sorted(glob.glob('tree/**/*.json', recursive=True)))
print(f'{total:.12f}')
db = sqlite3.connect('data.db')
db.execute('create table t(a integer primary key, b text)')
db.executemany('insert into t values(?,?)', [(i, str(i) * 3) for i in range(2000)])
db.commit()
print(db.execute('select count(*), sum(a), max(b) from t').fetchone())
db.close()
with zipfile.ZipFile('tree.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for p in sorted(glob.glob('tree/a/b/*')):
        z.write(p)
print(len(zipfile.ZipFile('tree.zip').namelist()))
print(subprocess.run(['sh', '-c', 'cat; exit 3'], input=b'through a pipe', capture_output=True))
out = []
ts = [threading.Thread(target=lambda i=i: out.append(i * i)) for i in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]
print(sorted(out))
async def f(i):
    await asyncio.sleep(0.001 * i)
    return i
async def g():
    return await asyncio.gather(*map(f, range(10)))
print(asyncio.run(g()))
print(decimal.Decimal(2).sqrt(), fractions.Fraction(3, 7) + 1, zlib.crc32(b'x' * 1000))
try:
    open('/none/such')
except OSError as e:
    print(e)
shutil.rmtree('tree')
os.unlink('tree.zip')
os.unlink('data.db')
print(sorted(os.listdir('.')))
sys.exit(5)
PY
