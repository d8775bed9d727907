/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A look at the mappings of a process before it is frozen. Linux walks all its page tables to print
 * smaps, which takes 10 to 20 us a megabyte; while frozen, only maps is read, which does not, and
 * compared. What could have changed unseen in between (the VMF_REFUSED) is looked at again later,
 * when the process has moved: what should not have been moved comes home.
 */
#include <stdlib.h>
#include <string.h>

#include "userland/deputy/agent.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/image.h"
#include "userland/deputy/image_int.h"
#include "userland/deputy/stub.h"

static void look_free(struct maps *look)
{
	if (look)
		maps_free(look);
	free(look);
}

void image_look(struct process *process)
{
	struct maps *look = malloc(sizeof(*look));

	image_look_forget(process);
	/* Without it all is read while the process is frozen. */
	if (look && maps_read(look, process_live_pid(process), true)) {
		free(look);
		look = NULL;
	}
	process->look = look;
}

void image_look_forget(struct process *process)
{
	look_free(process->look);
	process->look = NULL;
}

static const struct map *same(const struct maps *look, const struct map *map)
{
	const struct map *was = maps_at(look, map->start);

	if (!was || was->start != map->start || was->end != map->end || was->prot != map->prot ||
	    was->shared != map->shared || was->offset != map->offset || was->ino != map->ino ||
	    was->major != map->major || was->minor != map->minor || was->deleted != map->deleted ||
	    strcmp(was->name, map->name))
		return NULL;
	return was;
}

/* The flags of maps from what was seen before; false if it has mappings that were not. */
static bool apply_look(const struct process *process, struct maps *maps)
{
	for (size_t i = 0; i < maps->n; i++) {
		struct map *map = &maps->v[i];
		const struct map *was = same(process->look, map);

		if (agent_touched(process, map->start, map->end))
			continue;
		if (!was)
			return false;
		map->vmf = was->vmf & ~(uint32_t)VMF_UNTOUCHED;
	}
	return true;
}

int image_read_maps(struct process *process, struct maps *maps)
{
	if (process->look) {
		int err = maps_read(maps, process_live_pid(process), false);

		if (err)
			return err;
		if (apply_look(process, maps))
			return 0;
		maps_free(maps);
		image_look_forget(process);
	}
	return maps_read(maps, process_live_pid(process), true);
}

bool image_misjudged(struct process *process)
{
	struct maps now;
	bool wrong = false;

	if (!process->look || !process_stub(process) || maps_read(&now, process_live_pid(process), true))
		return false;
	for (size_t i = 0; i < now.n; i++) {
		const struct map *was = same(process->look, &now.v[i]);

		if (was && (was->vmf ^ now.v[i].vmf) & VMF_REFUSED)
			wrong = true;
	}
	maps_free(&now);
	image_look_forget(process);
	return wrong;
}
