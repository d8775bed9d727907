/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that processes share while they are away: see shared.h. */
#include "userland/deputy/shared.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userland/deputy/call.h"
#include "userland/deputy/inject.h"
#include "userland/deputy/maps.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared_int.h"
#include "userland/deputy/stub.h"

void shared_identity_new(uint64_t len, struct wire_file *file)
{
	static uint32_t last;

	*file = (struct wire_file){
		.dev = WFILE_MEMORY,
		.ino = (uint64_t)getpid() << 32 | ++last,
		.size = len,
		.mtime_ns = WFILE_FRESH,
	};
}

uint64_t shared_next_image(void)
{
	static uint32_t last;

	return (uint64_t)getpid() << 32 | ++last;
}

static bool same_memory(const struct map *a, const struct map *b)
{
	return a->shared && b->shared && a->ino == b->ino && a->major == b->major &&
	       a->minor == b->minor;
}

bool shared_identity_alone(const struct process *process, const struct map *map, uint64_t image,
			   struct wire_file *file)
{
	struct process *other;
	bool alone = true;

	/* Only fork hands such memory on, so only the job has it. */
	if (strcmp(map->name, "/dev/zero") || !map->deleted)
		return false;
	list_for_each_entry(other, &processes, link) {
		struct maps maps;

		if (other == process || maps_read(&maps, process_live_pid(other), false))
			continue;	/* it has ended */
		for (size_t i = 0; i < maps.n; i++)
			alone &= !same_memory(&maps.v[i], map);
		maps_free(&maps);
	}
	*file = (struct wire_file){
		.dev = WFILE_MEMORY,
		.ino = map->ino,
		.size = UINT64_MAX,
		.mtime_ns = WFILE_SHARED,
		.ctime_ns = image,
	};
	return alone;
}

static void answer(struct session *session, const struct wire_hdr *hdr, int64_t ret)
{
	const struct wire_reply reply = { .ret = ret };

	session_send1(session, W_REPLY, 0, hdr->tid, hdr->id, &reply, sizeof(reply));
}

/*
 * Is a change of the stub's map before it? Else it is done at once: a stub that is stopped, or blocked in
 * a call, does nothing else, and may wait for the very process that sent this.
 */
static bool must_wait(struct stub *stub)
{
	const struct call *call = call_first(stub);

	if (!call)
		return false;
	if (call->link.next != &stub->calls || !call->running || call->hdr.type != W_CALL)
		return true;
	switch (call->head.nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_mprotect:
	case SYS_pkey_mprotect:
	case SYS_madvise:
	case SYS_brk:
	case SYS_shmdt:
	case SYS_execve:
	case SYS_execveat:
		return true;
	}
	return false;
}

const char *shared_put(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
		       const void *payload)
{
	const struct wire_put *put = payload;
	const char *wrong = wire_check_put(payload, hdr->len);

	if (wrong)
		return wrong;
	if (put->file.dev != WFILE_MEMORY && put->file.dev != WFILE_SYSV) {
		answer(session, hdr, shared_file_put(session, put, put + 1));
		return NULL;
	}
	if (!stub) {
		answer(session, hdr, -ESRCH);
		return NULL;
	}
	if (must_wait(stub) ||
	    stub_write(stub, put->addr, put + 1, (size_t)put->npages * WIRE_PAGE_SIZE))
		return call_message(stub, hdr, payload);
	answer(session, hdr, 0);
	return NULL;
}

void shared_put_queued(struct stub *stub, struct call *call)
{
	const struct wire_put *put = (const void *)call->bytes;
	size_t len = (size_t)put->npages * WIRE_PAGE_SIZE;
	struct session *session = stub->process->session;
	int err = stub_write(stub, put->addr, put + 1, len);

	/* Written before its rights were taken away: they come back for a moment. */
	if (err && !inject_call(stub, SYS_mprotect, put->addr, len, PROT_READ | PROT_WRITE)) {
		err = stub_write(stub, put->addr, put + 1, len);
		inject_call(stub, SYS_mprotect, put->addr, len, put->prot);
	}
	answer(session, &call->hdr, err);
}
