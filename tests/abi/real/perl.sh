#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# perl: hashes, regular expressions, sort, files, a pipe to a child, die and its status.
cat >job.pl <<'PL'
use strict; use warnings; use Digest::SHA qw(sha256_hex); use List::Util qw(sum max); use POSIX qw(floor);
my (%n, $s); $s = 1;
for (1..60000) { $s = ($s * 69069 + 1) % 4294967296; $n{$s % 1009} += floor($s / 1000); }
print join(',', map { "$_=$n{$_}" } (sort { $n{$b} <=> $n{$a} || $a <=> $b } keys %n)[0..4]), "\n";
open(my $f, '>', 'out') or die; print $f "line $_\n" for 1..1000; close $f;
open($f, '<', 'out') or die; my $sum = 0; while (<$f>) { $sum += $1 if /line (\d+)/ } close $f;
print "$sum ", sha256_hex(join '', sort { $a cmp $b } keys %n), "\n";
open(my $p, '-|', 'seq 1 100') or die; print sum(<$p>), "\n"; close $p;
my $pid = fork; if (!$pid) { exit 7 } waitpid $pid, 0; print "child ", $? >> 8, "\n";
local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select(undef, undef, undef, 20); }; print "got $@";
print `echo backticks`; die "the end\n";
PL
perl job.pl; echo "status $?"
