/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts children that cannot outlive us, and ends whatever is left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userland/emulate/emulate.h"

#define GRACE_MS 500	/* between SIGTERM and SIGKILL */

pid_t child_start(char *const argv[], unsigned flags, const sigset_t *mask, const char *log,
		  int keep_fd)
{
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid < 0) {
		perror("emulate: fork");
		return -EAGAIN;
	}
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)	/* it died before the line above */
		_exit(1);
	if (flags & CHILD_OWN_SESSION)
		setsid();
	if (log) {
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
		if (fd >= 0) {
			dup2(fd, 1);
			dup2(fd, 2);
		}
		fd = open("/dev/null", O_RDONLY);
		dup2(fd, 0);
	}
	if (keep_fd >= 0)
		fcntl(keep_fd, F_SETFD, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "emulate: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Sends sig to each child; returns how many there are. */
static unsigned signal_children(int sig)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	unsigned count = 0;

	while (proc && (e = readdir(proc))) {
		char path[300], stat[512], *p, state;
		int pid = atoi(e->d_name), ppid;
		FILE *f;

		if (pid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "re");
		if (!f)
			continue;
		p = fgets(stat, sizeof(stat), f) ? strrchr(stat, ')') : NULL;
		fclose(f);
		if (p && sscanf(p + 1, " %c %d", &state, &ppid) == 2 && ppid == getpid()) {
			count++;
			if (state != 'Z')
				kill(pid, sig);
			if (state == 'T')
				kill(pid, SIGCONT);
		}
	}
	if (proc)
		closedir(proc);
	return count;
}

void children_end(void)
{
	const struct timespec tick = { .tv_nsec = 10000000 };

	/* Orphans of those that end become children of ours: again until there are none. */
	for (int i = 0;; i++) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		if (i == 0 || i >= GRACE_MS / 10) {
			if (!signal_children(i ? SIGKILL : SIGTERM))
				return;
		} else if (waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD) {
			return;
		}
		nanosleep(&tick, NULL);
	}
}
