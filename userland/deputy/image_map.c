/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image's mappings and files; which mappings cannot move. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/image_file.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/stub.h"
#include "userland/deputy/vdso.h"

#define DEV_ZERO makedev(1, 5)

static const struct {
	uint32_t flag;
	const char *text;
} refused_flags[] = {
	{ VMF_IO, "a mapping of a device" },
	{ VMF_HUGETLB, "huge pages (MAP_HUGETLB)" },
	{ VMF_UFFD, "memory watched by userfaultfd" },
	{ VMF_FORK, "memory with MADV_DONTFORK or MADV_WIPEONFORK" },
	{ VMF_SHADOW, "a shadow stack" },
	{ VMF_PKEY, "memory with a protection key" },
};

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static const char *name_of(const struct map *map)
{
	return map->name[0] ? map->name : "anonymous memory";
}

/* Memory that is nobody's file, though Linux has a name for it. */
static bool anonymous(const struct map *map)
{
	if (map->name[0] != '/')
		return true;
	return !map->shared && !strcmp(map->name, "/dev/zero");
}

/* What there is against moving this mapping, or NULL. */
static const char *unfit(const struct map *map)
{
	for (size_t i = 0; i < sizeof(refused_flags) / sizeof(refused_flags[0]); i++)
		if (map->vmf & refused_flags[i].flag)
			return refused_flags[i].text;
	if (starts(map->name, "/secretmem"))
		return "secret memory (memfd_secret)";
	if (starts(map->name, "anon_inode:"))
		return "memory shared with the kernel";
	if (map->shared && (map->prot & PROT_WRITE || map->name[0] != '/'))
		return "memory that it shares with others";
	return NULL;
}

static void *grow(void *v, size_t n, size_t size)
{
	/* Doubles whenever n is a power of two. */
	if (n & (n - 1))
		return v;
	return realloc(v, (n ? 2 * n : 1) * size);
}

static int add_file(struct collected *c, const struct wire_file *file, uint32_t *index)
{
	void *v;

	for (size_t i = 0; i < c->nfiles; i++)
		if (!memcmp(&c->files[i], file, sizeof(*file))) {
			*index = (uint32_t)i;
			return 0;
		}
	v = grow(c->files, c->nfiles, sizeof(*file));
	if (!v)
		return -ENOMEM;
	c->files = v;
	*index = (uint32_t)c->nfiles;
	c->files[c->nfiles++] = *file;
	return 0;
}

static int add_vma(struct collected *c, const struct wire_vma *vma)
{
	void *v = grow(c->vmas, c->nvmas, sizeof(*vma));

	if (!v)
		return -ENOMEM;
	c->vmas = v;
	c->vmas[c->nvmas++] = *vma;
	return 0;
}

static int file_map(struct stub *stub, struct collected *c, const struct map *map,
		    struct wire_vma *vma, struct wire_text *why)
{
	struct wire_file file;
	struct stat st;
	bool known = file_of_map(stub->pid, map, &file, &st);

	if (known && S_ISCHR(st.st_mode) && st.st_rdev == DEV_ZERO && !map->shared)
		return 0;
	if (known && !S_ISREG(st.st_mode)) {
		wire_text_set(why, WHY_MAPPING, "it maps %.100s, which is not an ordinary file",
			      map->name);
		return -ENOTSUP;
	}
	if (map->shared) {
		int fd = known ? file_open_map(stub->pid, map) : -1;
		bool safe = known && file_shared_safe(fd, &st, map->deleted ? "" : map->name);

		if (fd >= 0)
			close(fd);
		if (!safe) {
			wire_text_set(why, WHY_MAPPING, "it shares a mapping of %.100s, to which others "
				      "may write", map->name);
			return -ENOTSUP;
		}
		vma->flags |= WVMA_SHARED;
	}
	vma->offset = map->offset;
	return add_file(c, &file, &vma->file);
}

static int vdso_map(struct collected *c, const struct map *map, struct wire_vma *vma)
{
	const struct vdso *vdso = vdso_get();

	/* Not one that we can serve: to touch it sends the process home. */
	if (!vdso || vdso->size != map->end - map->start) {
		vma->flags = WVMA_RESERVED;
		return 0;
	}
	vma->flags |= WVMA_VDSO;
	c->image.vdso = map->start;
	c->image.vdso_len = map->end - map->start;
	return add_file(c, &vdso->file, &vma->file);
}

static int one_map(struct stub *stub, struct collected *c, const struct map *map,
		   struct wire_text *why)
{
	struct wire_vma vma = {
		.start = map->start,
		.end = map->end,
		.flags = (map->prot & PROT_READ ? WVMA_READ : 0) |
			 (map->prot & PROT_WRITE ? WVMA_WRITE : 0) |
			 (map->prot & PROT_EXEC ? WVMA_EXEC : 0) |
			 (map->vmf & VMF_GROWSDOWN ? WVMA_GROWSDOWN : 0) |
			 (map->vmf & VMF_NORESERVE ? WVMA_NORESERVE : 0),
		.file = WVMA_NO_FILE,
	};
	const char *text;
	int err = 0;

	if (!strcmp(map->name, "[vdso]")) {
		err = vdso_map(c, map, &vma);
	} else if (starts(map->name, "[vvar") || !strcmp(map->name, "[uprobes]")) {
		vma.flags = WVMA_RESERVED;
	} else {
		struct wire_file file;

		text = unfit(map);
		if (text && map->shared && !(map->vmf & VMF_REFUSED) &&
		    shared_identity_alone(stub->process, map, c->shared_image, &file)) {
			vma.flags |= WVMA_SHARED;
			vma.offset = map->offset;
			err = add_file(c, &file, &vma.file);
			return err ? err : add_vma(c, &vma);
		}
		if (text) {
			wire_text_set(why, WHY_MAPPING, "it has %s: %.100s at %llx", text,
				      name_of(map), (unsigned long long)map->start);
			return -ENOTSUP;
		}
		if (!anonymous(map))
			err = file_map(stub, c, map, &vma, why);
	}
	return err ? err : add_vma(c, &vma);
}

int collect_maps(struct stub *stub, struct collected *c, struct wire_text *why)
{
	uint64_t agent = stub->process->agent.base;
	bool agent_done = false;
	int err = image_read_maps(stub->process, &c->maps);

	c->shared_image = shared_next_image();

	for (size_t i = 0; !err && i < c->maps.n; i++) {
		const struct map *map = &c->maps.v[i];

		/* Ours: told as one, so that it may grow without the node's map getting in its way. */
		if (agent && map->start >= agent && !agent_done) {
			struct wire_vma vma = { agent, agent + AGENT_SPAN, 0, WVMA_RESERVED,
						WVMA_NO_FILE };

			err = add_vma(c, &vma);
			agent_done = true;
		}
		if (agent_touched(stub->process, map->start, map->end))
			continue;
		if (!err)
			err = one_map(stub, c, map, why);
		/* New mappings go below the highest one that is not the stack's or the kernel's. */
		if (map->name[0] != '[')
			c->image.mmap_top = map->end;
	}
	if (err && why->code == WHY_NONE)
		wire_text_set(why, WHY_MAPPING, "its mappings could not be read: %s",
			      strerror(-err));
	return err;
}
