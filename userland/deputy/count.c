/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of system calls: see count.h. */
#include "userland/deputy/count.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userland/deputy/stub.h"

struct reason {
	struct reason *next;
	unsigned long n;
	char text[];
};

static uint64_t local, forwarded;
static struct reason *reasons;

void count_stat(struct process *process, const struct wire_stat *stat)
{
	process->stat = *stat;
	process->calls_local += stat->local;
	process->calls_forwarded += stat->forwarded;
	local += stat->local;
	forwarded += stat->forwarded;
}

void count_return(const struct wire_text *why)
{
	struct reason *r;

	/* Asked to, and the like: nothing that the node could not do. */
	if (why->code != WHY_SYSCALL && why->code != WHY_MAPPING && why->code != WHY_FAULT &&
	    why->code != WHY_CPU && why->code != WHY_STATE)
		return;
	for (r = reasons; r; r = r->next)
		if (!strcmp(r->text, why->text))
			break;
	if (!r) {
		r = malloc(sizeof(*r) + strlen(why->text) + 1);
		if (!r)
			return;
		strcpy(r->text, why->text);
		r->n = 0;
		r->next = reasons;
		reasons = r;
	}
	r->n++;
}

/* One write, so that deputies that end at once do not mix their lines. */
void count_report(void)
{
	const char *path = getenv("MUSTER_CALLS");
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int fd;

	if (!path || (!local && !forwarded && !reasons))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	f = fd < 0 ? NULL : open_memstream(&text, &len);
	if (!f)
		return;
	fprintf(f, "local %llu\nforwarded %llu\n", (unsigned long long)local,
		(unsigned long long)forwarded);
	for (const struct reason *r = reasons; r; r = r->next)
		fprintf(f, "retreat %lu %s\n", r->n, r->text);
	fclose(f);
	if (write(fd, text, len) < 0)
		perror(path);
}
