/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who deals with which message of a node, and in which states of the stub it may come. */
#include "userland/deputy/dispatch.h"

#include <string.h>

#include "userland/deputy/away.h"
#include "userland/deputy/backlog.h"
#include "userland/deputy/call.h"
#include "userland/deputy/count.h"
#include "userland/deputy/deputy.h"
#include "userland/deputy/home.h"
#include "userland/deputy/image.h"
#include "userland/deputy/move.h"
#include "userland/deputy/session.h"
#include "userland/deputy/shared.h"
#include "userland/deputy/stub.h"

/* Runs at the node, as far as home knows. */
static bool is_guest(const struct stub *stub)
{
	return stub->state == STUB_NEWBORN || stub->state == STUB_IDLE ||
	       stub->state == STUB_PARKED || stub->state == STUB_CALLING;
}

/*
 * The thread is here and of this session? If not, it has ended here at the very moment (the node is
 * told, or will be), and what the node still says about it is void.
 */
static struct stub *guest_of(struct session *session, const struct wire_hdr *hdr)
{
	struct stub *stub = stub_find((pid_t)hdr->tid);

	return stub && !stub->dead && stub->process->session == session ? stub : NULL;
}

static const char *page_get(struct process *process, struct session *session,
			    const struct wire_hdr *hdr, const struct wire_page_get *get)
{
	if (!get->npages || get->npages > WIRE_PAGE_GET_MAX || get->addr % WIRE_PAGE_SIZE ||
	    get->addr + (uint64_t)get->npages * WIRE_PAGE_SIZE < get->addr)
		return "a request for impossible pages";
	return image_page_get(process, session, hdr, get);
}

/* Of an image on its way home, and pages. */
static const char *to_image(struct process *process, struct session *session,
			    const struct wire_hdr *hdr, void *payload)
{
	const struct stub *stub = process_stub(process);
	const char *wrong;

	/* Of a program that is no more, if it has left by an execve. */
	if (!stub || (stub->state == STUB_LEAVING && hdr->type != W_PAGES))
		return NULL;
	if (hdr->type == W_IMG_BEGIN) {
		wrong = wire_check_text(&((struct wire_image *)payload)->why);
		if (wrong)
			return wrong;
		if (stub->state == STUB_RETURNING)
			return "a second image of the same process";
		if (!is_guest(stub))
			return "an image of a process that is not there";
		return away_returns(process, hdr->id, payload);
	}
	/* Pages that a process at home is waiting for, or no longer waiting for. */
	if (stub->state == STUB_RETURNING || hdr->type == W_PAGES)
		return home_message(process, session, hdr, payload);
	/* Home has refused the image in the middle of it. */
	return is_guest(stub) ? NULL : "an image of a process that is not there";
}

/* Who is to do what concerns the process: the thread named, or another that is not busy. */
static struct stub *not_busy(struct stub *named)
{
	struct stub *stub;

	if (!stub_ends(named) && named->state != STUB_CALLING && !call_first(named))
		return named;
	for_each_thread(stub, named->process)
		if (!stub_ends(stub) && (stub->state == STUB_IDLE || stub->state == STUB_PARKED) &&
		    !call_first(stub))
			return stub;
	return stub_ends(named) ? process_stub(named->process) : named;
}

static const char *of_process(struct stub *named, const struct wire_hdr *hdr, const void *payload)
{
	struct stub *stub = not_busy(named);
	const char *wrong;

	if (!stub)
		return NULL;
	if (hdr->type == W_PUT)
		return shared_put(stub, stub->process->session, hdr, payload);
	wrong = call_message(stub, hdr, payload);
	/* The others end with it, whatever they wait for. */
	if (!wrong && hdr->type == W_EXIT)
		away_abort(stub);
	return wrong;
}

static const char *request(struct stub *stub, const struct wire_hdr *hdr, const void *payload)
{
	const struct stub *any = process_stub(stub->process);

	/* It has left by an execve, which was made here: the rest is of the program that is no more. */
	if (!any || any->state == STUB_LEAVING)
		return NULL;
	if (any->state == STUB_RETURNING)
		return "a request of a process that is on its way home";
	if (!is_guest(any))
		return "a request for a process that is not there";
	if (hdr->type == W_STOPPED || hdr->type == W_EXIT || hdr->type == W_PUT)
		return of_process(stub, hdr, payload);
	if (stub->state == STUB_DYING)
		return NULL;
	switch (hdr->type) {
	case W_DATA:
		return call_data(stub, hdr, payload);
	case W_CALL:
	case W_MMAP:
	case W_FORK:
	case W_THREAD_EXIT:
		return call_message(stub, hdr, payload);
	case W_ABORT:
		call_abort(stub, hdr->id);
		return NULL;
	}
	return "a message that makes no sense here";
}

const char *dispatch_now(struct session *session, const struct wire_hdr *hdr, void *payload)
{
	struct stub *stub = guest_of(session, hdr);
	struct process *process = stub ? stub->process : NULL;
	const char *wrong;

	if (hdr->type == W_PAGE_GET)
		return page_get(process, session, hdr, payload);
	if (!stub && hdr->type == W_PUT)
		return shared_put(NULL, session, hdr, payload);
	if (!stub) {
		/* It ended here before the node had made it of its parent, or unseen by the node. */
		if (hdr->type == W_IMG_RUNNING || hdr->type == W_CALL)
			session_send1(session, W_KILL, 0, hdr->tid, 0, NULL, 0);
		return NULL;
	}
	if (process->ended_by_node)
		return hdr->type == W_PUT ? shared_put(NULL, session, hdr, payload) : NULL;

	switch (hdr->type) {
	case W_IMG_RUNNING:
		stub = process_stub(process);
		if (!stub)
			return NULL;
		if (stub->state == STUB_LEAVING)
			move_running(process);
		else if (is_guest(stub))
			away_announced(process);
		else
			return "it runs a process that was not sent";
		return NULL;
	case W_IMG_REFUSED:
		wrong = wire_check_text(payload);
		if (wrong)
			return wrong;
		move_refused(process, payload);
		return NULL;
	case W_IMG_DONE:
		move_done(process);
		return NULL;
	case W_IMG_BEGIN:
	case W_IMG_THREAD:
	case W_IMG_SIGNAL:
	case W_IMG_RUNS:
	case W_IMG_COMMIT:
	case W_PAGES:
		return to_image(process, session, hdr, payload);
	case W_STAT:
		count_stat(process, payload);
		return NULL;
	}
	return request(stub, hdr, payload);
}

const char *dispatch(struct session *session, const struct wire_hdr *hdr, void *payload)
{
	struct stub *stub = guest_of(session, hdr);
	const char *wrong;

	/* What is running is not waited for by others only: it may wait itself. */
	if (stub && !(hdr->type == W_ABORT && call_running(stub, hdr->id)) &&
	    backlog_take(stub->process, hdr, payload, &wrong))
		return wrong;
	return dispatch_now(session, hdr, payload);
}
