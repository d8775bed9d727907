/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files and segments that guests of a session map and write: see shared.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "kernel/list.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/loop.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/shared_int.h"
#include "userland/deputy/stub.h"

/* One file that guests of one session share. Its watch tells who opens it and who writes to it. */
struct share {
	struct list_head link;
	struct session *session;
	struct wire_file id;
	int fd;			/* -1: a System V segment; else a description of our own: closing it releases no lock of the program's */
	bool writable;		/* fd is */
	int wd;
	/* Some kernels tell nothing of what is done to a memfd by its first descriptor. */
	bool memfd;
	pid_t last;		/* who attached or detached the segment last */
	struct timespec mtime;	/* a memfd's, when last looked at, and its size */
	off_t size;
};

static struct list_head shares = LIST_HEAD_INIT(shares);
static int notify = -1;
static struct watch notify_watch;

static bool same_file(const struct share *share, const struct stat *st)
{
	return share->id.dev == st->st_dev && share->id.ino == st->st_ino;
}

static struct share *share_of(const struct session *session, const struct stat *st)
{
	struct share *share;

	list_for_each_entry(share, &shares, link)
		if (share->session == session && same_file(share, st))
			return share;
	return NULL;
}

bool shared_is(const struct session *session, const struct stat *st)
{
	return share_of(session, st);
}

static void share_free(struct share *share)
{
	struct share *other;
	bool used = false;

	list_del(&share->link);
	/* One inode has one watch, whoever asked for it. */
	list_for_each_entry(other, &shares, link)
		used |= other->wd == share->wd;
	if (!used && share->wd >= 0)
		inotify_rm_watch(notify, share->wd);
	if (share->fd >= 0)
		close(share->fd);
	free(share);
}

/* --- who else has it ------------------------------------------------------------------------------ */

static bool is_guest(pid_t pid, const struct session *session)
{
	const struct process *process = process_find(pid);

	return process && process->session == session && process_away(process);
}

static bool has_open(pid_t pid, const struct stat *file)
{
	char path[32], target[8];
	struct dirent *e;
	struct stat st;
	bool has = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !has && (e = readdir(dir))) {
		/* Only what has a path: a pipe or socket cannot be it. */
		if (e->d_name[0] == '.' ||
		    readlinkat(dirfd(dir), e->d_name, target, sizeof(target)) < 1 || target[0] != '/')
			continue;
		has = !fstatat(dirfd(dir), e->d_name, &st, 0) && st.st_ino == file->st_ino &&
		      st.st_dev == file->st_dev;
	}
	if (dir)
		closedir(dir);
	return has;
}

static bool is_segment(const struct map *map)
{
	return map->shared && !strncmp(map->name, "/SYSV", 5);
}

static bool map_is(const struct map *map, uint64_t dev, uint64_t ino)
{
	if (!map->shared || map->ino != ino)
		return false;
	return dev == WFILE_SYSV ? is_segment(map) : makedev(map->major, map->minor) == dev;
}

static bool has_mapped(pid_t pid, const struct stat *file)
{
	struct maps maps;
	bool has = false;

	if (maps_read(&maps, pid, false))
		return false;
	for (size_t i = 0; i < maps.n && !has; i++)
		has = map_is(&maps.v[i], file->st_dev, file->st_ino);
	maps_free(&maps);
	return has;
}

/* A process that is not a guest of this session and has the file; 0 if there is none to be seen. */
static pid_t outsider(const struct session *session, const struct stat *file)
{
	struct dirent *e;
	pid_t found = 0;
	DIR *dir = opendir("/proc");

	while (dir && !found && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && !is_guest(pid, session) &&
		    (has_open(pid, file) || has_mapped(pid, file)))
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* --- what happens to it ------------------------------------------------------------------------- */

/* Home serves it from now on: all guests that map it come home. */
static void share_revoke(struct share *share, pid_t by)
{
	struct session *session = share->session;
	struct stat st = { .st_dev = share->id.dev, .st_ino = share->id.ino };
	struct wire_text why;
	struct process *process;

	wire_text_set(&why, WHY_MAPPING, "process %d at home has a file that it shares", by);
	list_for_each_entry(process, &processes, link)
		if (process->session == session && process_away(process) &&
		    has_mapped(process_live_pid(process), &st))
			session_send1(session, W_RECALL, 0, (uint32_t)process->pid, 0, &why,
				      sizeof(why));
}

static void on_event(const struct inotify_event *event)
{
	struct share *share;

	list_for_each_entry(share, &shares, link) {
		struct stat st = { .st_dev = share->id.dev, .st_ino = share->id.ino };
		pid_t by;

		if (share->wd != event->wd)
			continue;
		if (event->mask & IN_MODIFY)
			session_send1(share->session, W_STALE, 0, 0, 0, &share->id, sizeof(share->id));
		if (event->mask & IN_OPEN) {
			by = outsider(share->session, &st);
			if (by)
				share_revoke(share, by);
		}
	}
}

static void notify_read(void)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n;

	while (notify >= 0 && (n = read(notify, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);

			on_event(event);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
}

static void on_notify(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
	notify_read();
}

/* --- System V segments ---------------------------------------------------------------------------- */

#define SEGMENT_LOOK_MS 100

static void segment_alarm(struct alarm *alarm);
static struct alarm segments;

/* Attachments of guests of the session: Linux counts mappings, too. */
static unsigned attached_here(const struct session *session, uint64_t id)
{
	struct process *process;
	unsigned n = 0;

	list_for_each_entry(process, &processes, link) {
		struct maps maps;

		if (process->session != session || !process_away(process) ||
		    maps_read(&maps, process_live_pid(process), false))
			continue;
		for (size_t i = 0; i < maps.n; i++)
			n += is_segment(&maps.v[i]) && maps.v[i].ino == id;
		maps_free(&maps);
	}
	return n;
}

static void segment_look(struct share *share)
{
	struct shmid_ds ds;

	if (shmctl((int)share->id.ino, IPC_STAT, &ds) || ds.shm_lpid == share->last)
		return;
	share->last = ds.shm_lpid;
	if (!is_guest(ds.shm_lpid, share->session) &&
	    ds.shm_nattch != attached_here(share->session, share->id.ino))
		share_revoke(share, ds.shm_lpid);
}

static void segment_alarm(struct alarm *alarm)
{
	struct share *share;
	bool any = false;

	list_for_each_entry(share, &shares, link) {
		if (share->fd >= 0)
			continue;
		any = true;
		segment_look(share);
	}
	if (any)
		alarm_set(alarm, MS(SEGMENT_LOOK_MS));
}

static bool same_ipc_namespace(pid_t pid)
{
	struct stat own, its;
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	return !stat("/proc/self/ns/ipc", &own) && !stat(path, &its) && own.st_ino == its.st_ino;
}

void shared_segment(const struct stub *stub, int id, struct wire_file *file, struct wire_text *why)
{
	const struct stat st = { .st_dev = WFILE_SYSV, .st_ino = (ino_t)id };
	struct share *share = share_of(stub->process->session, &st);
	struct shmid_ds ds;

	if (!same_ipc_namespace(stub->pid) || shmctl(id, IPC_STAT, &ds)) {
		wire_text_set(why, WHY_MAPPING, "a System V segment that home cannot watch");
		return;
	}
	if (ds.shm_nattch != attached_here(stub->process->session, (uint64_t)id)) {
		wire_text_set(why, WHY_MAPPING, "a System V segment that is attached at home");
		return;
	}
	if (!share) {
		share = calloc(1, sizeof(*share));
		if (!share) {
			wire_text_set(why, WHY_MEMORY, "no memory for a System V segment");
			return;
		}
		list_init(&share->link);
		share->session = stub->process->session;
		share->fd = share->wd = -1;
		share->last = ds.shm_lpid;
		share->id = (struct wire_file){
			.dev = WFILE_SYSV,
			.ino = (uint64_t)id,
			.size = UINT64_MAX,
			.mtime_ns = WFILE_SHARED,
			.ctime_ns = shared_next_image(),
		};
		list_add_tail(&share->link, &shares);
		if (!segments.fn)
			alarm_init(&segments, segment_alarm);
		alarm_set(&segments, MS(SEGMENT_LOOK_MS));
	}
	*file = share->id;
}

/* --- the others ----------------------------------------------------------------------------------- */

#define CLOCK_GRAIN_NS 20000000	/* two changes within this may have the same time */

/* Writing to its mapping does not change a memfd's times. */
static bool memfd_changed(struct share *share)
{
	struct timespec now;
	struct stat st;
	int64_t age;
	bool changed;

	if (fstat(share->fd, &st) || clock_gettime(CLOCK_REALTIME, &now))
		return true;
	age = (now.tv_sec - st.st_mtim.tv_sec) * 1000000000ll + now.tv_nsec - st.st_mtim.tv_nsec;
	changed = st.st_mtim.tv_sec != share->mtime.tv_sec ||
		  st.st_mtim.tv_nsec != share->mtime.tv_nsec || st.st_size != share->size ||
		  age < CLOCK_GRAIN_NS;
	share->mtime = st.st_mtim;
	share->size = st.st_size;
	return changed;
}

void shared_look(struct session *session)
{
	struct share *share;
	bool any = false;

	list_for_each_entry(share, &shares, link) {
		if (share->session != session)
			continue;
		any = true;
		if (share->fd < 0)
			segment_look(share);
		if (share->memfd && memfd_changed(share))
			session_send1(session, W_STALE, 0, 0, 0, &share->id, sizeof(share->id));
	}
	if (any)
		notify_read();
}

void shared_passed_on(struct session *session)
{
	struct share *share;

	list_for_each_entry(share, &shares, link) {
		struct stat st = { .st_dev = share->id.dev, .st_ino = share->id.ino };
		pid_t by = share->session == session && share->fd >= 0 ? outsider(session, &st) : 0;

		if (by)
			share_revoke(share, by);
	}
}

/* --- its life ------------------------------------------------------------------------------------- */

static int notify_open(void)
{
	if (notify >= 0)
		return 0;
	notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (notify < 0)
		return -errno;
	notify_watch.fd = notify;
	notify_watch.fn = on_notify;
	return loop_watch(&notify_watch, EPOLLIN);
}

/* Opened anew: the program's own description has its own locks and position. */
static int reopen(int copy, bool *writable)
{
	int mode = fcntl(copy, F_GETFL) & O_ACCMODE;
	char path[40];

	*writable = mode == O_RDWR;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
	return open(path, (mode == O_RDWR ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
}

static bool is_memfd(int fd)
{
	char path[40], target[16] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && !strncmp(target, "/memfd:", 7);
}

static struct share *share_new(struct session *session, int copy, const struct stat *st)
{
	struct share *share = calloc(1, sizeof(*share));
	char path[40];

	if (!share)
		return NULL;
	list_init(&share->link);
	share->session = session;
	share->fd = reopen(copy, &share->writable);
	if (share->fd < 0 || notify_open())
		goto failed;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", share->fd);
	share->wd = inotify_add_watch(notify, path, IN_OPEN | IN_MODIFY);
	if (share->wd < 0)
		goto failed;
	share->memfd = is_memfd(share->fd);
	share->id = (struct wire_file){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = UINT64_MAX,
		.mtime_ns = WFILE_SHARED,
		.ctime_ns = shared_next_image(),
	};
	list_add_tail(&share->link, &shares);
	return share;

failed:
	if (share->fd >= 0)
		close(share->fd);
	free(share);
	return NULL;
}

bool shared_file(struct session *session, int copy, const struct stat *st, struct wire_file *file,
		 struct wire_text *why)
{
	struct share *share = share_of(session, st);
	pid_t by;

	/* Watched first, so that nobody comes unseen between the two. */
	if (!share)
		share = share_new(session, copy, st);
	if (!share) {
		wire_text_set(why, WHY_MAPPING, "a shared mapping of a file that cannot be watched");
		return false;
	}
	by = outsider(session, st);
	if (by) {
		wire_text_set(why, WHY_MAPPING, "it shares a file with process %d at home", by);
		return false;
	}
	if (!share->writable && (fcntl(copy, F_GETFL) & O_ACCMODE) == O_RDWR) {
		bool writable;
		int fd = reopen(copy, &writable);

		if (fd < 0) {
			wire_text_set(why, WHY_MAPPING, "a shared mapping of a file: %s",
				      strerror(errno));
			return false;
		}
		close(share->fd);
		share->fd = fd;
		share->writable = writable;
	}
	*file = share->id;
	return true;
}

int64_t shared_file_put(struct session *session, const struct wire_put *put, const void *pages)
{
	uint64_t len = (uint64_t)put->npages * WIRE_PAGE_SIZE;
	struct share *share, *found = NULL;
	struct stat st;
	void *at;
	ssize_t n;

	list_for_each_entry(share, &shares, link)
		if (share->session == session && share->fd >= 0 &&
		    !memcmp(&share->id, &put->file, sizeof(put->file)))
			found = share;
	if (!found || !found->writable)
		return -ESRCH;
	if (fstat(found->fd, &st))
		return -errno;
	if ((uint64_t)st.st_size <= put->offset)
		return 0;	/* cut off meanwhile */
	/* As the program would have: by a mapping, which does not look like a write(2) to anybody. */
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, found->fd, (off_t)put->offset);
	if (at == MAP_FAILED)
		return -errno;
	if (len > (uint64_t)st.st_size - put->offset)
		len = (uint64_t)st.st_size - put->offset;
	{
		struct iovec from = { (void *)pages, len }, to = { at, len };

		/* Not memcpy: what cannot be stored (a full disk) is an error, not our death. */
		n = process_vm_writev(getpid(), &from, 1, &to, 1, 0);
		n = n < 0 ? -errno : (uint64_t)n == len ? 0 : -EIO;
	}
	munmap(at, (uint64_t)put->npages * WIRE_PAGE_SIZE);
	return n;
}

/* Memory of which the node has the one copy. */
static bool is_live(const struct session *session, const struct map *map)
{
	const struct stat st = { .st_dev = makedev(map->major, map->minor), .st_ino = map->ino };

	return map->shared && (map->prot & PROT_WRITE || is_segment(map) || !strcmp(map->name, "/dev/zero") ||
			       shared_is(session, &st));
}

void shared_leaving(const struct process *process)
{
	struct share *share, *next;
	bool shares_any = false;
	struct maps maps;

	if (list_empty(&shares) || maps_read(&maps, process_live_pid(process), false))
		return;
	for (size_t i = 0; i < maps.n; i++)
		shares_any |= is_live(process->session, &maps.v[i]);
	maps_free(&maps);
	if (!shares_any)
		return;
	list_for_each_entry_safe(share, next, &shares, link)
		if (share->session == process->session)
			share_free(share);
}

void shared_session_lost(struct session *session)
{
	struct share *share, *next;

	list_for_each_entry_safe(share, next, &shares, link)
		if (share->session == session)
			share_free(share);
}
