/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes to files that are mapped: see written.h. */
#include "userland/deputy/written.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "userland/deputy/call.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/session.h"
#include "userland/deputy/stub.h"

#define BUCKETS 256u

/* One file that may be mapped; forgotten when it is written and nobody maps it. */
struct mapped {
	struct mapped *next;
	uint64_t dev, ino;
};

static struct mapped *mapped[BUCKETS];

static struct mapped **find(uint64_t dev, uint64_t ino)
{
	struct mapped **at = &mapped[(ino ^ dev) % BUCKETS];

	while (*at && ((*at)->ino != ino || (*at)->dev != dev))
		at = &(*at)->next;
	return at;
}

void written_mapped(const struct wire_file *file)
{
	struct mapped **at = find(file->dev, file->ino);

	if (*at || !(*at = malloc(sizeof(**at))))
		return;
	**at = (struct mapped){ NULL, file->dev, file->ino };
}

static bool maps_privately(pid_t pid, const struct stat *st)
{
	struct maps maps;
	bool found = false;

	if (maps_read(&maps, pid, false))
		return false;
	for (size_t i = 0; i < maps.n && !found; i++)
		found = !maps.v[i].shared && maps.v[i].ino == st->st_ino &&
			makedev(maps.v[i].major, maps.v[i].minor) == st->st_dev;
	maps_free(&maps);
	return found;
}

/* The descriptor that the call has written by, or emptied the file of; -1 if it is no such call. */
static int written_by(const struct call *call, int64_t ret)
{
	const uint64_t *args = call->head.args;

	switch (call->head.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
	case SYS_pwritev:
	case SYS_pwritev2:
	case SYS_sendfile:
		return ret > 0 ? (int)args[0] : -1;
	case SYS_splice:
	case SYS_copy_file_range:
		return ret > 0 ? (int)args[2] : -1;
	case SYS_fallocate:
		return (int)args[0];
	case SYS_open:
		return args[1] & O_TRUNC ? (int)ret : -1;
	case SYS_openat:
		return args[2] & O_TRUNC ? (int)ret : -1;
	default:
		return -1;
	}
}

void written_ended(const struct stub *writer, const struct call *call, int64_t ret)
{
	int fd = ret < 0 ? -1 : written_by(call, ret);
	struct mapped **known, *gone;
	bool anybody = false;
	struct wire_text why;
	struct process *process;
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", writer->pid, fd);
	if (fd < 0 || stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	known = find(st.st_dev, st.st_ino);
	if (!*known)
		return;
	wire_text_set(&why, WHY_MAPPING, "a file that it has mapped was written");
	list_for_each_entry(process, &processes, link) {
		pid_t pid = process_live_pid(process);

		if (pid <= 0 || !process_away(process) || !process->session || !maps_privately(pid, &st))
			continue;
		anybody = true;
		session_send1(process->session, W_RECALL, 0, (uint32_t)process->pid, 0, &why,
			      sizeof(why));
	}
	if (anybody)
		return;
	gone = *known;
	*known = gone->next;
	free(gone);
}
