/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who deals with which message of a node, and in which states of the stub it may come. */
#include "userland/deputy/dispatch.h"

#include <string.h>

#include "userland/deputy/away.h"
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
	       stub->state == STUB_PARKED || stub->state == STUB_CALLING ||
	       stub->state == STUB_RETURNING;
}

/*
 * The process is here and of this session? If not, it has ended here at the very moment (the node is
 * told, or will be), and what the node still says about it is void.
 */
static struct stub *guest_of(struct session *session, const struct wire_hdr *hdr)
{
	struct stub *stub = stub_find((pid_t)hdr->tid);

	return stub && !stub->dead && stub->session == session ? stub : NULL;
}

static const char *page_get(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
			    const struct wire_page_get *get)
{
	if (!get->npages || get->npages > WIRE_PAGE_GET_MAX || get->addr % WIRE_PAGE_SIZE ||
	    get->addr + (uint64_t)get->npages * WIRE_PAGE_SIZE < get->addr)
		return "a request for impossible pages";
	return image_page_get(stub, session, hdr, get);
}

static const char *to_image(struct stub *stub, struct session *session, const struct wire_hdr *hdr,
			    void *payload)
{
	const char *wrong;

	if (hdr->type == W_IMG_BEGIN) {
		wrong = wire_check_text(&((struct wire_image *)payload)->why);
		if (wrong)
			return wrong;
	}
	if (hdr->type == W_PAGES) {
		wrong = wire_check_pages(payload, hdr->len);
		if (wrong)
			return wrong;
		/* Pages that a process at home is waiting for, or no longer waiting for. */
		if (!is_guest(stub))
			return stub->home ? home_message(stub, session, hdr, payload) : NULL;
	}
	if (!is_guest(stub))
		return "an image of a process that is not there";
	return call_message(stub, hdr, payload);
}

const char *dispatch(struct session *session, const struct wire_hdr *hdr, void *payload)
{
	struct stub *stub = guest_of(session, hdr);
	const char *wrong;

	if (hdr->type == W_PAGE_GET)
		return page_get(stub, session, hdr, payload);
	if (!stub && hdr->type == W_PUT)
		return shared_put(NULL, session, hdr, payload);
	if (!stub) {
		/* It ended here before the node had made it of its parent, or unseen by the node. */
		if (hdr->type == W_IMG_RUNNING || hdr->type == W_CALL)
			session_send1(session, W_KILL, 0, hdr->tid, 0, NULL, 0);
		return NULL;
	}
	if (stub->state == STUB_DYING)
		return hdr->type == W_PUT ? shared_put(NULL, session, hdr, payload) : NULL;

	switch (hdr->type) {
	case W_IMG_RUNNING:
		if (stub->state == STUB_LEAVING)
			move_running(stub);
		else if (is_guest(stub))
			away_announced(stub);
		else
			return "it runs a process that was not sent";
		return NULL;
	case W_IMG_REFUSED:
		wrong = wire_check_text(payload);
		if (wrong)
			return wrong;
		move_refused(stub, payload);
		return NULL;
	case W_IMG_DONE:
		move_done(stub);
		return NULL;
	case W_IMG_BEGIN:
	case W_IMG_THREAD:
	case W_IMG_SIGNAL:
	case W_IMG_RUNS:
	case W_IMG_COMMIT:
	case W_PAGES:
		return to_image(stub, session, hdr, payload);
	case W_STAT:
		count_stat(stub, payload);
		return NULL;
	}

	/* It has left by an execve, which was made here: the rest is of the program that is no more. */
	if (stub->state == STUB_LEAVING)
		return NULL;
	if (!is_guest(stub))
		return "a request for a process that is not there";
	switch (hdr->type) {
	case W_DATA:
		return call_data(stub, hdr, payload);
	case W_CALL:
	case W_MMAP:
	case W_FORK:
	case W_STOPPED:
	case W_EXIT:
		return call_message(stub, hdr, payload);
	case W_PUT:
		return shared_put(stub, session, hdr, payload);
	case W_ABORT:
		call_abort(stub, hdr->id);
		return NULL;
	}
	return "a message that makes no sense here";
}
