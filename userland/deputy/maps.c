/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and parsing /proc/PID/maps and smaps. */
#include "userland/deputy/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define USER_TOP 0x7ffffffff000ULL /* [vsyscall] lies above: it is every process's, never moved */

/* Reads digits of that base at *p; false if there is none or the number does not fit. */
static bool number(const char **p, unsigned base, uint64_t *out)
{
	const char *start = *p;
	uint64_t v = 0;

	for (;; (*p)++) {
		unsigned c = (unsigned char)**p, d;

		if (c >= '0' && c <= '9')
			d = c - '0';
		else if (c >= 'a' && c <= 'f')
			d = c - 'a' + 10;
		else
			break;
		if (d >= base)
			break;
		if (v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return *p > start;
}

static bool expect(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* "start-end perms offset major:minor inode   name" */
static bool parse_header(char *line, struct map *map)
{
	const char *p = line;
	uint64_t major, minor;
	char *name;
	size_t len;

	memset(map, 0, sizeof(*map));
	if (!number(&p, 16, &map->start) || !expect(&p, '-') || !number(&p, 16, &map->end) ||
	    !expect(&p, ' '))
		return false;
	if (strlen(p) < 5 || p[4] != ' ')
		return false;
	map->prot = (p[0] == 'r' ? PROT_READ : 0) | (p[1] == 'w' ? PROT_WRITE : 0) |
		    (p[2] == 'x' ? PROT_EXEC : 0);
	map->shared = p[3] == 's';
	p += 5;
	if (!number(&p, 16, &map->offset) || !expect(&p, ' ') || !number(&p, 16, &major) ||
	    !expect(&p, ':') || !number(&p, 16, &minor) || !expect(&p, ' ') ||
	    !number(&p, 10, &map->ino))
		return false;
	if (major > UINT32_MAX || minor > UINT32_MAX || map->start >= map->end ||
	    (map->start | map->end) & 4095)
		return false;
	map->major = (uint32_t)major;
	map->minor = (uint32_t)minor;
	if (*p && *p != ' ')
		return false;
	while (*p == ' ')
		p++;
	name = line + (p - line);
	len = strlen(name);
	if (len > 10 && !strcmp(name + len - 10, " (deleted)")) {
		name[len - 10] = 0;
		map->deleted = true;
	}
	map->name = name;
	return true;
}

static const struct {
	char name[3];
	uint32_t flag;
} vm_flags[] = {
	{ "gd", VMF_GROWSDOWN }, { "io", VMF_IO }, { "pf", VMF_IO }, { "mm", VMF_IO },
	{ "ht", VMF_HUGETLB }, { "um", VMF_UFFD }, { "uw", VMF_UFFD }, { "ui", VMF_UFFD },
	{ "lo", VMF_LOCKED }, { "dc", VMF_FORK }, { "wf", VMF_FORK }, { "nr", VMF_NORESERVE },
	{ "ss", VMF_SHADOW },
};

/* "Rss:   12 kB", "ProtectionKey:   0" and "VmFlags: rd ex mr mw"; other keys do not matter here. */
static void parse_key(char *line, struct map *map)
{
	char *p;

	if (!strncmp(line, "Rss:", 4)) {
		uint64_t kb = strtoul(line + 4, NULL, 10);

		if (!kb)
			map->vmf |= VMF_UNTOUCHED;
		else if (kb >= (map->end - map->start) / 1024 / 8 * 7)
			map->vmf |= VMF_DENSE;
	}
	if (!strncmp(line, "Swap:", 5) && strtoul(line + 5, NULL, 10))
		map->vmf &= ~(uint32_t)VMF_UNTOUCHED;
	if (!strncmp(line, "ProtectionKey:", 14)) {
		if (strtoul(line + 14, NULL, 10))
			map->vmf |= VMF_PKEY;
		return;
	}
	if (strncmp(line, "VmFlags:", 8))
		return;
	for (p = line + 8; *p;) {
		while (*p == ' ')
			p++;
		for (size_t i = 0; i < sizeof(vm_flags) / sizeof(vm_flags[0]); i++)
			if (!strncmp(p, vm_flags[i].name, 2) && (!p[2] || p[2] == ' '))
				map->vmf |= vm_flags[i].flag;
		while (*p && *p != ' ')
			p++;
	}
}

/* A key of smaps starts with a capital letter, a header with a lower-case hexadecimal digit. */
static bool is_key(const char *line)
{
	return *line >= 'A' && *line <= 'Z';
}

int maps_parse(struct maps *maps, char *text, size_t len)
{
	size_t room = 0;
	char *line, *end;

	memset(maps, 0, sizeof(*maps));
	maps->text = text;
	for (line = text; line < text + len; line = end + 1) {
		struct map map;

		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			goto bad;
		*end = 0;
		if (is_key(line)) {
			if (!maps->n)
				goto bad;
			parse_key(line, &maps->v[maps->n - 1]);
			continue;
		}
		if (!parse_header(line, &map))
			goto bad;
		if (map.end > USER_TOP)
			break;
		if (maps->n && map.start < maps->v[maps->n - 1].end)
			goto bad;
		if (maps->n == room) {
			struct map *v;

			room = room ? 2 * room : 64;
			v = realloc(maps->v, room * sizeof(*v));
			if (!v) {
				maps_free(maps);
				return -ENOMEM;
			}
			maps->v = v;
		}
		maps->v[maps->n++] = map;
	}
	return 0;
bad:
	maps_free(maps);
	return -EINVAL;
}

void maps_free(struct maps *maps)
{
	free(maps->v);
	free(maps->text);
	memset(maps, 0, sizeof(*maps));
}

char *proc_read(const char *path, size_t *len)
{
	size_t room = 1 << 16, n = 0;
	char *text, *more;
	ssize_t k;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	text = malloc(room);
	while (text && (k = read(fd, text + n, room - n - 1)) != 0) {
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0) {
			err = errno;
			free(text);
			close(fd);
			errno = err;
			return NULL;
		}
		n += (size_t)k;
		if (room - n > 4096)
			continue;
		room *= 2;
		more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	close(fd);
	if (!text) {
		errno = ENOMEM;
		return NULL;
	}
	text[n] = 0;
	*len = n;
	return text;
}

int maps_read(struct maps *maps, pid_t pid, bool smaps)
{
	char path[64], *text;
	size_t len;

	memset(maps, 0, sizeof(*maps));
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, smaps ? "smaps" : "maps");
	text = proc_read(path, &len);
	if (!text)
		return -errno;
	return maps_parse(maps, text, len);
}

const struct map *maps_at(const struct maps *maps, uint64_t addr)
{
	size_t lo = 0, hi = maps->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr < maps->v[mid].start)
			hi = mid;
		else if (addr >= maps->v[mid].end)
			lo = mid + 1;
		else
			return &maps->v[mid];
	}
	return NULL;
}

const struct map *maps_named(const struct maps *maps, const char *name)
{
	for (size_t i = 0; i < maps->n; i++)
		if (!strcmp(maps->v[i].name, name))
			return &maps->v[i];
	return NULL;
}
