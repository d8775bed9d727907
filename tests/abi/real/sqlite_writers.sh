#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two sqlite processes write to one database, with a rollback journal and with a write-ahead log.
for mode in delete wal; do
	sqlite3 $mode.db "pragma journal_mode=$mode; create table t(who int, n int);"
	for who in 1 2; do
		(
			echo '.timeout 600000'
			for ((i = 0; i < 30; i++)); do
				echo "begin immediate; insert into t values($who, $i); insert into t select $who, max(n) + 100 from t where who = $who; commit;"
			done
		) | sqlite3 $mode.db &
	done
	wait
	sqlite3 $mode.db 'select who, count(*), sum(n) from t group by who order by who; pragma integrity_check;'
	# Whose pages are where, depends on who was first.
	rm -f $mode.db*
done
