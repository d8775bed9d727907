/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads /proc/PID/stat and cmdline: proc(5). */
#include "userland/deputy/procinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static ssize_t slurp(pid_t pid, const char *what, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = 0;
	return n;
}

static void parse_stat(const char *stat, struct procinfo *info)
{
	/* The name may hold anything, parentheses too: it ends at the last one. */
	const char *open = strchr(stat, '('), *end = strrchr(stat, ')');
	unsigned long long utime = 0, stime = 0;
	long long rss = 0;
	long ticks = sysconf(_SC_CLK_TCK);

	if (!open || !end || end < open)
		return;
	snprintf(info->comm, sizeof(info->comm), "%.*s", (int)(end - open - 1), open + 1);
	if (sscanf(end + 1,
		   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d "
		   "%*d %*d %*u %*u %lld",
		   &info->state, &info->ppid, &utime, &stime, &rss) < 2)
		return;
	info->cpu_ms = (utime + stime) * 1000 / (unsigned long long)(ticks > 0 ? ticks : 100);
	info->rss_kb = rss > 0 ? (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) / 1024 : 0;
}

void procinfo_read(pid_t pid, struct procinfo *info)
{
	char buf[1024];
	ssize_t n;

	memset(info, 0, sizeof(*info));
	info->state = '?';
	if (slurp(pid, "stat", buf, sizeof(buf)) > 0)
		parse_stat(buf, info);
	n = slurp(pid, "cmdline", info->cmd, sizeof(info->cmd));
	for (ssize_t i = 0; i + 1 < n; i++)
		if (!info->cmd[i])
			info->cmd[i] = ' ';
}

bool procinfo_args(pid_t pid, uint64_t *start, uint64_t *end)
{
	unsigned long long arg_start, env_end;
	char buf[1024];
	const char *p;

	if (slurp(pid, "stat", buf, sizeof(buf)) <= 0)
		return false;
	p = strrchr(buf, ')');
	/* Fields 48 and 51; the state, right after the name, is field 3. */
	for (int field = 2; p && field < 48; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %llu %*u %*u %llu", &arg_start, &env_end) != 2 || !arg_start)
		return false;
	*start = arg_start & ~4095ull;
	*end = (env_end + 4095) & ~4095ull;
	return true;
}
