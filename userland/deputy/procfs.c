/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads of /proc/PID/maps and the like: see procfs.h. */
#include "userland/deputy/procfs.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/call.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/stub.h"

#define PAGE_KB	 4
#define PATH_MAX_ 4096

/* One of them has been opened by this job: until then no read needs a second look. */
static bool opened;

/* --- the texts -------------------------------------------------------------------------------- */

struct about {
	const struct stub *stub; /* whom the file is about */
	bool self;		 /* who reads it */
};

typedef void edit_fn(const struct about *about, char *line, FILE *out);

/* Bytes of ours in its address space. */
static uint64_t agent_bytes(const struct process *process)
{
	return process->agent.base ? WIRE_PAGE_SIZE + agent_scratch_bytes(process) : 0;
}

static uint64_t resident_pages(const struct process *process)
{
	return process_away(process) ? process->stat.rss_pages + process->stat.away_pages : 0;
}

static char state_of(const struct about *about, char kernel)
{
	if (about->self)
		return 'R';
	if (kernel != 't')
		return kernel;
	return about->stub->group_stop || about->stub->process->stopped ? 'T' : 'R';
}

/* maps, smaps, numa_maps: a line that begins with an address, and what follows it up to the next. */
static void edit_maps(const struct about *about, char *line, FILE *out)
{
	static bool dropped;
	uint64_t start, end;
	char c;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 "%c", &start, &end, &c) == 3 && c == ' ')
		dropped = agent_touched(about->stub->process, start, end);
	if (!dropped)
		fputs(line, out);
}

static void edit_status(const struct about *about, char *line, FILE *out)
{
	static const struct {
		char letter;
		const char *name;
	} states[] = {
		{ 'R', "R (running)" }, { 'T', "T (stopped)" },
	};
	uint64_t ours = agent_bytes(about->stub->process) / 1024;
	uint64_t scratch = agent_scratch_bytes(about->stub->process) / 1024;
	uint64_t resident = resident_pages(about->stub->process) * PAGE_KB, kb;
	char state;

	if (sscanf(line, "State:\t%c", &state) == 1) {
		char now = state_of(about, state);

		for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]) && now != state; i++)
			if (states[i].letter == now) {
				fprintf(out, "State:\t%s\n", states[i].name);
				return;
			}
	}
	if (!strncmp(line, "TracerPid:", 10))
		fputs("TracerPid:\t0\n", out);
	else if (sscanf(line, "VmSize: %" SCNu64, &kb) == 1 && kb >= ours)
		fprintf(out, "VmSize:\t%8" PRIu64 " kB\n", kb - ours);
	else if (sscanf(line, "VmData: %" SCNu64, &kb) == 1 && kb >= scratch)
		fprintf(out, "VmData:\t%8" PRIu64 " kB\n", kb - scratch);
	else if (sscanf(line, "VmHWM: %" SCNu64, &kb) == 1 && kb < resident)
		fprintf(out, "VmHWM:\t%8" PRIu64 " kB\n", resident);
	else if (sscanf(line, "VmRSS: %" SCNu64, &kb) == 1 && kb < resident)
		fprintf(out, "VmRSS:\t%8" PRIu64 " kB\n", resident);
	else if (sscanf(line, "RssAnon: %" SCNu64, &kb) == 1 && kb < resident)
		fprintf(out, "RssAnon:\t%8" PRIu64 " kB\n", resident);
	else
		fputs(line, out);
}

/* Fields are counted as in proc(5), from 1; the name is the second and may hold anything. */
static void edit_stat(const struct about *about, char *line, FILE *out)
{
	uint64_t resident = resident_pages(about->stub->process), value;
	uint64_t burnt = about->stub->process->stat.cpu_ns / (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
	char *rest = strrchr(line, ')'), *word, *save = NULL;
	int field = 2;

	if (!rest) {
		fputs(line, out);
		return;
	}
	rest[strcspn(rest, "\n")] = 0;
	fprintf(out, "%.*s)", (int)(rest - line), line);
	for (word = strtok_r(rest + 1, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		value = strtoull(word, NULL, 10);
		switch (++field) {
		case 3:
			fprintf(out, " %c", state_of(about, *word));
			break;
		case 14:
			fprintf(out, " %" PRIu64, value + burnt);
			break;
		case 23:
			fprintf(out, " %" PRIu64, value - agent_bytes(about->stub->process));
			break;
		case 24:
			fprintf(out, " %" PRIu64, value < resident ? resident : value);
			break;
		default:
			fprintf(out, " %s", word);
		}
	}
	fputc('\n', out);
}

static void edit_statm(const struct about *about, char *line, FILE *out)
{
	uint64_t size, resident, shared, text, lib, data, dt, here = resident_pages(about->stub->process);

	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &size, &resident, &shared, &text, &lib, &data, &dt) != 7) {
		fputs(line, out);
		return;
	}
	fprintf(out, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		size - agent_bytes(about->stub->process) / WIRE_PAGE_SIZE, resident < here ? here : resident, shared,
		text, lib, data - agent_scratch_bytes(about->stub->process) / WIRE_PAGE_SIZE, dt);
}

static const struct {
	const char *name;
	edit_fn *edit;
} files[] = {
	{ "maps", edit_maps },	   { "smaps", edit_maps }, { "numa_maps", edit_maps },
	{ "status", edit_status }, { "stat", edit_stat },  { "statm", edit_statm },
};

static edit_fn *edit_of(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(files[i].name, name))
			return files[i].edit;
	return NULL;
}

static char *make_text(const char *path, const struct about *about, edit_fn *edit, size_t *len)
{
	char *text = proc_read(path, len), *made = NULL, *next;
	FILE *out = text ? open_memstream(&made, len) : NULL;

	for (char *line = text; out && *line; line = next) {
		char end;

		next = strchrnul(line, '\n');
		next += *next == '\n';
		end = *next;
		*next = 0;
		edit(about, line, out);
		*next = end;
	}
	if (out && fclose(out)) {
		free(made);
		made = NULL;
	}
	free(text);
	return made;
}

/* --- the calls -------------------------------------------------------------------------------- */

/* The path that a descriptor of the stub stands for. */
static bool path_of(const struct stub *stub, int fd, char path[PATH_MAX_])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", stub->pid, fd);
	n = readlink(link, path, PATH_MAX_ - 1);
	if (n < 0)
		return false;
	path[n] = 0;
	return true;
}

/* Is it one of those files, and about a process of this job? */
static edit_fn *wanted(const struct stub *stub, int fd, char path[PATH_MAX_], struct about *about)
{
	edit_fn *edit;
	int pid, tid, end = 0;

	if (!path_of(stub, fd, path) || sscanf(path, "/proc/%d/%n", &pid, &end) != 1 || !end)
		return NULL;
	tid = pid;
	if (!strncmp(path + end, "task/", 5) && sscanf(path + end, "task/%d/%n", &tid, &(int){ 0 }) != 1)
		return NULL;
	edit = edit_of(path);
	about->stub = edit ? stub_find(tid) : NULL;
	about->self = about->stub == stub;
	return about->stub && !about->stub->dead ? edit : NULL;
}

/* The buffer that a read fills. */
static int data_buffer(const struct call *call)
{
	for (int i = 0; i < call->head.nbufs; i++)
		if ((call->bufs[i].flags & WBUF_RET) && (call->bufs[i].flags & WBUF_OUT))
			return i;
	return -1;
}

/*
 * What was read last, by descriptor: Linux makes such a text once, so the next read goes on with it,
 * however long it would be now.
 */
#define KEPT 16

static struct kept {
	pid_t pid;
	int fd;
	int64_t next; /* where the read ended */
	char *text;
	size_t len;
} kept[KEPT];
static unsigned kept_turn;

static struct kept *kept_find(const struct stub *stub, int fd)
{
	for (unsigned i = 0; i < KEPT; i++)
		if (kept[i].text && kept[i].pid == stub->process->pid && kept[i].fd == fd)
			return &kept[i];
	return NULL;
}

/* The text for a read at pos, or NULL. */
static struct kept *kept_text(const struct stub *stub, int fd, int64_t pos, const char *path,
			      const struct about *about, edit_fn *edit)
{
	struct kept *k = kept_find(stub, fd);

	if (k && pos && k->next == pos)
		return k;
	if (!k)
		k = &kept[kept_turn++ % KEPT];
	free(k->text);
	k->pid = stub->process->pid;
	k->fd = fd;
	k->text = make_text(path, about, edit, &k->len);
	return k->text ? k : NULL;
}

static int64_t replace(struct stub *stub, struct call *call, int64_t ret, bool positioned)
{
	char path[PATH_MAX_];
	int fd = (int)call->head.args[0], buf = data_buffer(call);
	struct about about;
	edit_fn *edit = buf < 0 ? NULL : wanted(stub, fd, path, &about);
	struct kept *k = NULL;
	size_t n = 0;
	int64_t pos;

	if (!edit)
		return ret;
	pos = positioned ? (int64_t)call->head.args[3] : inject_call(stub, SYS_lseek, fd, 0, SEEK_CUR) - ret;
	if (pos >= 0)
		k = kept_text(stub, fd, pos, path, &about, edit);
	if (!k)
		return ret;
	if ((size_t)pos < k->len)
		n = k->len - (size_t)pos < call->bufs[buf].len ? k->len - (size_t)pos : call->bufs[buf].len;
	k->next = pos + (int64_t)n;
	if (!stub_write(stub, call->addr[buf], k->text + pos, n)) {
		ret = (int64_t)n;
		if (!positioned)
			inject_call(stub, SYS_lseek, fd, pos + ret, SEEK_SET);
	}
	return ret;
}

int64_t procfs_ended(struct stub *stub, struct call *call, int64_t ret)
{
	char path[PATH_MAX_];

	if (ret < 0 || stub->dead)
		return ret;
	switch (call->head.nr) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
		if (!opened && path_of(stub, (int)ret, path) && !strncmp(path, "/proc/", 6) && edit_of(path))
			opened = true;
		return ret;
	case SYS_read:
	case SYS_readv:
		return opened ? replace(stub, call, ret, false) : ret;
	case SYS_pread64:
	case SYS_preadv:
	case SYS_preadv2:
		return opened ? replace(stub, call, ret, true) : ret;
	default:
		return ret;
	}
}
