/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identities of mapped files. */
#include "userland/deputy/image_file.h"
#include "userland/deputy/written.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define QUIET_S 3600	/* a file not written for so long is taken to be at rest */

static uint64_t ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

void file_identity(const struct stat *st, struct wire_file *file)
{
	*file = (struct wire_file){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = ns_of(&st->st_mtim),
		.ctime_ns = ns_of(&st->st_ctim),
	};
	written_mapped(file);
}

/* map_files leads to the mapped file itself, whatever became of its name; but not for everybody. */
static void map_files_path(pid_t pid, const struct map *map, char *path, size_t size)
{
	snprintf(path, size, "/proc/%d/map_files/%llx-%llx", pid, (unsigned long long)map->start,
		 (unsigned long long)map->end);
}

static bool same_file(const struct map *map, const struct stat *st)
{
	return st->st_ino == map->ino && major(st->st_dev) == map->major &&
	       minor(st->st_dev) == map->minor;
}

bool file_of_map(pid_t pid, const struct map *map, struct wire_file *file, struct stat *st)
{
	char path[80];

	if (!map->deleted && map->name[0] == '/' && !stat(map->name, st) && same_file(map, st)) {
		file_identity(st, file);
		return true;
	}
	map_files_path(pid, map, path, sizeof(path));
	if (!stat(path, st)) {
		file_identity(st, file);
		return true;
	}
	*file = (struct wire_file){ .dev = UINT64_MAX,
				    .size = map->offset + (map->end - map->start) };
	if (getrandom(&file->ino, sizeof(file->ino), 0) != sizeof(file->ino))
		file->ino = (uint64_t)pid << 32 ^ map->start;
	return false;
}

int file_open_map(pid_t pid, const struct map *map)
{
	struct stat st;
	char path[80];
	int fd;

	map_files_path(pid, map, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 || map->deleted || map->name[0] != '/')
		return fd;
	fd = open(map->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, &st) || !same_file(map, &st))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool file_shared_safe(int fd, const struct stat *st, const char *path)
{
	time_t now = time(NULL);
	bool busy = false;

	if (!S_ISREG(st->st_mode))
		return false;
	/* Packages replace their files by rename; nobody writes to them. */
	if (!st->st_uid && !(st->st_mode & 022) && !strncmp(path, "/usr/", 5))
		return true;
	/*
	 * Linux gives a read lease only while nobody has the file open for writing: fcntl(2). Who opens it
	 * meanwhile has us sent a signal: one that is ignored by default.
	 */
	if (fd >= 0 && !fcntl(fd, F_SETSIG, SIGURG)) {
		if (!fcntl(fd, F_SETLEASE, F_RDLCK)) {
			fcntl(fd, F_SETLEASE, F_UNLCK);
			return true;
		}
		busy = errno == EAGAIN;
	}
	/* Only a file's owner may ask. Writing through a mapping counts as a modification too. */
	return !busy && st->st_uid != geteuid() && now - st->st_mtime > QUIET_S &&
	       now - st->st_ctime > QUIET_S;
}
