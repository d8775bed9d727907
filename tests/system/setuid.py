#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# muster: none
"""Programs that change who they are when executed work under an ordinary user's mosrun as without it."""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'lib'))
from check import BIN, Skip, equal, main, wait_for  # noqa: E402

USER = 65534
DIR = pathlib.Path(tempfile.mkdtemp(prefix='muster-setuid-'))


def setup():
    """A user's folder with copies of programs that have other rights."""
    if os.geteuid():
        raise Skip('makes set-user-id programs: root only')
    if os.statvfs(DIR).f_flag & os.ST_NOSUID:
        raise Skip(f'{DIR} is on a file system mounted nosuid')
    if (DIR / 'id').exists():
        return
    DIR.chmod(0o755)
    (DIR / 'run').mkdir()
    (DIR / 'run').chmod(0o700)
    os.chown(DIR / 'run', USER, USER)
    for name, source, mode in (('id', 'id', 0o4755), ('gid', 'id', 0o2755), ('sleep', 'sleep', 0o4755), ('cap', 'cat', 0o755)):
        shutil.copy(f'/usr/bin/{source}', DIR / name)
        os.chown(DIR / name, 0, 0)
        (DIR / name).chmod(mode)
    # CAP_DAC_READ_SEARCH, permitted and effective: struct vfs_cap_data.
    os.setxattr(DIR / 'cap', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 2, 0, 0, 0))
    (DIR / 'secret').write_text('secret\n')
    (DIR / 'secret').chmod(0o600)


def user(*argv, **kw):
    env = dict(os.environ, MUSTER_RUNTIME_DIR=str(DIR / 'run'), PATH=f'{BIN}:{os.environ["PATH"]}')
    return subprocess.Popen(argv, user=USER, group=USER, extra_groups=[], cwd=DIR, env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)


def run(*argv):
    p = user(*argv)
    out, err = p.communicate(timeout=60)
    return out, err, p.returncode


def same(*argv):
    alone = run(*argv)
    equal(run('mosrun', *argv), alone)
    return alone


def test_the_user():
    setup()
    equal(same('./id', '-u'), ('0\n', '', 0))
    equal(same('./id', '-ru'), (f'{USER}\n', '', 0))
    equal(same(str(DIR / 'id'), '-u', '--name')[2], 0)


def test_the_group():
    setup()
    equal(same('./gid', '-g'), ('0\n', '', 0))


def test_capabilities():
    setup()
    equal(same('cat', 'secret')[2], 1)
    equal(same('./cap', 'secret'), ('secret\n', '', 0))


def test_children_and_their_end():
    setup()
    equal(same('sh', '-c', './id -u; ./gid -g; ./id --wrong 2>/dev/null; echo $?; exec ./id -u'), ('0\n0\n1\n0\n', '', 0))
    equal(same('sh', '-c', './sleep 100 & kill -9 $!; wait $!; echo $?')[0], '137\n')


def test_without_new_privileges():
    setup()
    equal(same('setpriv', '--no-new-privs', './id', '-u'), (f'{USER}\n', '', 0))


def test_it_is_listed_with_the_reason():
    setup()
    p = user('mosrun', './sleep', '1000')

    def mine():
        assert p.poll() is None, p.communicate()
        return [line.split()[0] for line in run('mps')[0].splitlines() if 'sleep' in line]
    pid = wait_for(mine, 20, 'it in mps')[0]
    wait_for(lambda: 'set-user-id' in run('mps', '--why', pid)[0], 20, 'the reason')
    out, err, status = run('migrate', pid, '127.0.0.1:1')
    assert status and 'set-user-id' in err, (out, err)
    os.kill(int(pid), 15)
    equal(p.wait(60), -15)


if __name__ == '__main__':
    try:
        main(globals())
    finally:
        shutil.rmtree(DIR, ignore_errors=True)
